"""What Tab offers, word by word; the shells themselves are in test_completion_shells.py."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from made_runs import made

from zoo.cli._completion import SCRIPTS
from zoo.cli._completion._shells import SHELLS
from zoo.cli._main import cli
from zoo.runs import tag


@pytest.fixture
def tab(monkeypatch, tmp_path):
    """Press Tab behind a line, in a folder of its own; return what is offered."""
    monkeypatch.chdir(tmp_path)

    def press(line, shell="zsh"):
        monkeypatch.setenv("COMP_LINE", line)
        asked = SHELLS[shell](cli, {}, "zoo", "_ZOO_COMPLETE")
        return [item.value for item in asked.get_completions(*asked.get_completion_args())]

    return press


def asked(line, shell="bash", **environment):
    """Ask a process as a shell's script does; return what it printed, which is all it may do."""
    done = subprocess.run(
        [sys.executable, "-m", "zoo"],
        cwd=Path(os.environ["ZOO_HOME"]).parent,
        env={**os.environ, "COMP_LINE": line, "_ZOO_COMPLETE": f"{shell}_complete", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


class TestNames:
    """Of commands and of what plugins offer."""

    def test_commands(self, tab):
        assert tab("zoo re") == ["reproduce", "resume"]
        assert {"list", "train", "completion"} <= set(tab("zoo "))
        assert {"show", "tag", "rm"} <= set(tab("zoo runs "))
        assert {"train", "resume"} == set(tab("zoo verify "))

    def test_flags(self, tab):
        assert tab("zoo train mnist-cnn --opt") == ["--optimizer"]
        assert tab("zoo --debug train mnist-cnn --opt") == ["--optimizer"]

    def test_models_by_their_bare_or_their_qualified_name(self, tab):
        assert tab("zoo train mnist-c") == ["mnist-cnn"]
        assert tab("zoo train vision/mnist-c") == ["vision/mnist-cnn"]
        assert "vision/mnist-cnn" in tab("zoo train vision")
        assert tab("zoo verify train mnist-c") == tab("zoo train mnist-c")

    def test_kinds_are_not_mixed(self, tab):
        assert "adamw" not in tab("zoo train ")
        assert "adamw" in tab("zoo info ad")
        assert "adamw" in tab("zoo train mnist-cnn --optimizer ad")
        assert tab("zoo train mnist-cnn --loss mse") == ["mse"]
        assert "one-cycle" in tab("zoo train mnist-cnn --scheduler o")
        assert tab("zoo list --plugin vis") == ["vision"]
        assert tab("zoo plugins check vis") == ["vision"]
        assert tab("zoo plugins check optim sgd adam") == ["adam", "adamax", "adamw"]
        assert tab("zoo list --task reg") == ["regression"]

    def test_a_flag_and_its_value_in_one_word(self, tab):
        assert tab("zoo train mnist-cnn --dataset=dig") == ["--dataset=digits"]
        assert tab("zoo train mnist-cnn --parallel=dd") == ["--parallel=ddp"]

    @pytest.mark.parametrize(
        ("flag", "values"),
        [
            ("--parallel", {"auto", "none", "dp", "ddp", "fsdp"}),
            ("--precision", {"auto", "fp32", "bf16", "fp16"}),
            ("--cache", {"auto", "none"}),
            ("--device", {"auto", "cpu", "cuda", "mps"}),
        ],
    )
    def test_values_of_flags_that_have_few(self, tab, flag, values):
        assert set(tab(f"zoo train mnist-cnn {flag} ")) == values

    def test_a_name_that_two_plugins_offer_comes_with_the_plugins(self, tab, monkeypatch):
        """The bare one is no name then."""
        from zoo_registry import Entry, ModelSpec, Plugin

        offered = [
            Entry(ModelSpec(name="twin", build="a:b"), Plugin(name, "a", name, "1"))
            for name in ("one", "two")
        ]
        monkeypatch.setattr(
            "zoo.cli._completion._components.registry",
            type("Both", (), {"entries": offered}),
        )
        assert tab("zoo train tw") == ["one/twin", "two/twin"]


class TestPaths:
    """Completed by zoo, as they may stand behind something else."""

    def test_own_data(self, tab, tmp_path):
        (tmp_path / "pictures" / "cats").mkdir(parents=True)
        (tmp_path / ".hidden").mkdir()
        assert tab("zoo train mnist-cnn --dataset fol") == ["folder:"]
        assert tab("zoo train mnist-cnn --dataset folder:") == ["folder:pictures/"]
        assert tab("zoo train mnist-cnn --dataset folder:pictures/") == ["folder:pictures/cats/"]
        assert tab("zoo train mnist-cnn --dataset folder:.h") == ["folder:.hidden/"]
        assert tab(f"zoo train mnist-cnn --dataset=folder:{tmp_path}/pi") == [
            f"--dataset=folder:{tmp_path}/pictures/"
        ]

    def test_recipes_beside_models(self, tab, tmp_path):
        """Folders only where a path is typed: they would hide the models."""
        (tmp_path / "mnist-mine.toml").touch()
        (tmp_path / "mnist").mkdir()
        (tmp_path / "mnist" / "best.toml").touch()
        (tmp_path / "mnist.txt").touch()
        assert tab("zoo train mnist-") == ["mnist-cnn", "mnist-mine.toml"]
        assert tab("zoo train ./mni") == ["./mnist-mine.toml", "./mnist/"]
        assert tab("zoo train mnist/") == ["mnist/best.toml"]

    def test_words_that_are_quoted(self, tab, tmp_path):
        (tmp_path / "my pictures").mkdir()
        for typed in ("folder:my\\ p", "'folder:my p", '"folder:my p'):
            assert tab(f"zoo eval x --dataset {typed}") == ["folder:my pictures/"]

    def test_a_tilde_stays(self, tab, tmp_path, monkeypatch):
        monkeypatch.setenv("HOME", str(tmp_path))
        (tmp_path / "images").mkdir()
        assert tab("zoo train mnist-cnn --data-dir ~/im") == ["~/images/"]

    def test_weights(self, tab, tmp_path):
        for name in ("net.safetensors", "net.pth", "net.txt"):
            (tmp_path / name).touch()
        assert tab("zoo eval n") == ["net.pth", "net.safetensors"]
        assert tab("zoo convert n") == ["net.pth", "net.safetensors", "net.txt"]


class TestRuns:
    """Names of runs, and aliases."""

    @pytest.fixture(autouse=True)
    def _runs(self):
        tag(made("mnist-cnn-digits-1"), "production")
        made("mnist-cnn-digits-2")

    @pytest.mark.parametrize(
        "command",
        ["resume", "eval", "predict", "reproduce", "runs show", "runs tag", "runs rm", "runs diff"],
    )
    def test_wherever_a_run_is_named(self, tab, command):
        assert tab(f"zoo {command} ") == [
            "mnist-cnn-digits-1",
            "mnist-cnn-digits-2",
            "@production",
        ]
        assert tab(f"zoo {command} @p") == ["@production"]

    def test_the_second_of_two(self, tab):
        assert "mnist-cnn-digits-2" in tab("zoo runs diff mnist-cnn-digits-1 mni")
        assert "mnist-cnn-digits-2" in tab("zoo runs rm mnist-cnn-digits-1 mni")
        assert tab("zoo runs tag mnist-cnn-digits-2 pro") == ["production"]
        assert tab("zoo runs untag ") == ["production"]
        assert tab("zoo runs --alias @") == ["@production"]

    def test_a_start_from_weights(self, tab):
        assert tab("zoo train mnist-cnn --weights @") == ["@production"]


class TestSettings:
    """`--set`."""

    def test_keys_of_a_recipe(self, tab):
        assert tab("zoo train mnist-cnn --set early") == ["early_stop="]
        assert {"model.", "model=", "augment."} <= set(tab("zoo train mnist-cnn --set "))
        assert set(tab("zoo eval x --set ")) == {"dataset."}

    def test_options_of_the_model_that_is_typed(self, tab):
        assert tab("zoo train mnist-cnn --set model.wid") == ["model.width="]
        assert tab("zoo train mlp --set model.hid") == ["model.hidden="]
        assert tab("zoo train --set model.") == []
        assert tab("zoo train no-such-model --set model.") == []

    def test_options_of_other_parts(self, tab):
        """Of the part that is typed, else of the one that it will be."""
        line = "zoo train mnist-cnn --optimizer sgd --set optimizer.mom"
        assert tab(line) == ["optimizer.momentum="]
        assert tab(line.replace("--optimizer ", "--set optimizer=")) == ["optimizer.momentum="]
        assert tab("zoo train mnist-cnn --set augment.mix") == ["augment.mixup="]
        assert tab("zoo train mnist-cnn --dataset folder:x --set dataset.image_s") == [
            "dataset.image_size="
        ]

    def test_values(self, tab):
        assert tab("zoo train mnist-cnn --set precision=b") == ["precision=bf16"]
        assert tab("zoo train mnist-cnn --set norm_decay=") == [
            "norm_decay=true",
            "norm_decay=false",
        ]
        assert tab("zoo train mnist-cnn --set optimizer=adamw") == ["optimizer=adamw"]
        assert "optimizer.nesterov=true" in tab(
            "zoo train mnist-cnn --optimizer sgd --set optimizer.nesterov="
        )
        assert tab("zoo train mnist-cnn --set nonsense=") == []


class TestBash:
    """It breaks words at `:`, `=` and `@`, and takes what follows."""

    @pytest.mark.parametrize(
        ("word", "text", "offered"),
        [
            ("folder:pi", "pi", ["pictures/"]),
            ("folder:", "", ["my\\ music/", "pictures/"]),
            ("folder:my\\ m", "my\\ m", ["my\\ music/"]),
            ("'folder:my m", "folder:my m", ["folder:my music/"]),
            ("digi", "digi", ["digits"]),
        ],
    )
    def test_only_what_it_replaces_is_said(self, tab, tmp_path, monkeypatch, word, text, offered):
        (tmp_path / "pictures").mkdir()
        (tmp_path / "my music").mkdir()
        monkeypatch.setenv("COMP_TEXT", text)
        assert tab(f"zoo train mnist-cnn --dataset {word}", "bash") == offered


class TestProcess:
    """What a shell gets from `zoo`."""

    def test_each_shell_in_its_own_form(self):
        assert asked("zoo train mnist-c") == ["plain,mnist-cnn"]
        kind, name, about = asked("zoo train mnist-c", "zsh")
        assert (kind, name) == ("plain", "mnist-cnn")
        assert asked("zoo train mnist-c", "fish") == [f"plain,mnist-cnn\t{about}"]

    @pytest.mark.parametrize(
        ("shell", "number"), [("bash", "2"), ("zsh", "2"), ("fish", "mnist-c")]
    )
    def test_clicks_own_scripts_are_answered_too(self, shell, number):
        """People may have one of another version."""
        environment = {k: v for k, v in os.environ.items() if k != "COMP_LINE"}
        environment |= {"COMP_WORDS": "zoo train mnist-c", "COMP_CWORD": number}
        done = subprocess.run(
            [sys.executable, "-m", "zoo"],
            env={**environment, "_ZOO_COMPLETE": f"{shell}_complete"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert "mnist-cnn" in done.stdout

    @pytest.mark.parametrize(
        "line",
        [
            "zoo ",
            "zoo train mnist-c",
            "zoo train mnist-cnn --set model.",
            "zoo train mnist-cnn --set optimizer.",
            "zoo resume ",
            "zoo eval x --dataset fol",
        ],
    )
    def test_torch_is_not_imported(self, line):
        """Nor what else is heavy, but for what checks recipes."""
        done = subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "zoo"],
            env={**os.environ, "COMP_LINE": line, "_ZOO_COMPLETE": "bash_complete"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout or "resume" in line
        assert "zoo.cli._completion" in done.stderr
        assert not re.search(r"\| +(torch|numpy|PIL|rich|safetensors)\b", done.stderr)

    def test_a_plugin_that_raises_and_prints_disturbs_nobody(self, tmp_path):
        info = tmp_path / "site" / "bad-0.3.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Name: bad\nVersion: 0.3\n")
        (info / "entry_points.txt").write_text("[zoo]\nbad = bad_plugin\n")
        (tmp_path / "site" / "bad_plugin.py").write_text(
            "import os, warnings\nprint('hello')\nos.write(1, b'hello')\nos.write(2, b'hello')\n"
            "warnings.warn('hello')\nraise SystemExit(3)\n"
        )
        assert asked("zoo train mnist-c", PYTHONPATH=str(tmp_path / "site")) == ["plain,mnist-cnn"]

    def test_a_plugins_command_is_offered_without_importing_it_again(self, tmp_path):
        """Its name is remembered, and its line."""
        site = tmp_path / "site"
        (info := site / "extra-1.0.dist-info").mkdir(parents=True)
        (info / "METADATA").write_text("Name: extra\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[zoo]\nextra = extra_plugin\n")
        (info / "RECORD").write_text("extra_plugin.py,,\nextra-1.0.dist-info/RECORD,,\n")
        (site / "extra_plugin.py").write_text(
            "from zoo_registry import hookimpl\nopen('imported', 'a').write('.')\n"
            "@hookimpl\ndef zoo_commands(cli):\n    @cli.command()\n    def logbook():\n"
            "        'Write it.'\n"
        )
        for path in (site, *site.rglob("*")):
            os.utime(path, (1e9, 1e9))
        environment = {"PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}
        for _ in range(2):
            assert asked("zoo logb", "fish", **environment) == ["plain,logbook\tWrite it."]
        assert (tmp_path / "imported").read_text() == "."

    def test_what_can_not_be_read_completes_nothing(self, tmp_path):
        (tmp_path / "file").touch()
        assert asked("zoo resume ", ZOO_HOME=str(tmp_path / "file")) == []
        assert asked("zoo resume ", ZOO_HOME="~no-such-user/zoo") == []
        assert asked("zoo nonsense ") == []
        assert asked("zoo train mnist-c", shell="tcsh") == []


class TestScript:
    """`zoo completion`."""

    def run(self, *arguments, **environment):
        return subprocess.run(
            [sys.executable, "-m", "zoo", "completion", *arguments],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def test_the_script_of_a_shell(self):
        assert self.run("zsh").stdout == SCRIPTS["zsh"]
        assert self.run(SHELL="/usr/bin/fish").stdout == SCRIPTS["fish"]

    def test_clicks_own_way_to_ask_for_it(self):
        done = subprocess.run(
            [sys.executable, "-m", "zoo"],
            env={**os.environ, "_ZOO_COMPLETE": "bash_source"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == SCRIPTS["bash"].strip()

    def test_a_shell_that_is_none(self):
        done = self.run("zhs")
        assert done.returncode == 2
        assert "did you mean zsh?" in done.stderr
        assert "there are: bash, zsh, fish" in self.run("tcsh").stderr
        assert "zoo completion bash|zsh|fish" in self.run(SHELL="").stderr

    def test_help_has_the_line_that_installs_it(self):
        shown = self.run("--help").stdout
        assert all(f"zoo completion {shell}" in shown for shell in SCRIPTS)
