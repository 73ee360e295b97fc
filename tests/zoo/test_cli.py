"""The command line as a user types it: real processes, real exit codes, what they print."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from zoo.runs import RunWriter


def zoo(*arguments, check=None, **environment):
    """Run `zoo` in a process; `check` is the exit code it must have."""
    done = subprocess.run(
        [sys.executable, "-m", "zoo", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        timeout=120,
    )
    if check is not None:
        assert done.returncode == check, done.stderr
    return done


def refused(*arguments, code=2, **environment):
    """Run `zoo`, which must refuse in at most four lines without a traceback; return them."""
    done = zoo(*arguments, check=code, **environment)
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert 1 <= len(done.stderr.splitlines()) <= 4
    return done.stderr


@pytest.fixture
def table(tmp_path):
    """An npz of two separable classes; float32 (300, 4)."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 300)
    samples = (rng.normal(size=(300, 4)) + 2 * labels[:, None]).astype(np.float32)
    np.savez(tmp_path / "table.npz", x=samples, y=labels)
    return tmp_path / "table.npz"


def images(folder, classes=("cat", "dog"), count=12, size=(16, 16)):
    """A folder of real PNG files; each class has its own brightness."""
    rng = np.random.default_rng(0)
    for number, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for index in range(count):
            pixels = rng.integers(0, 90, (*size, 3)) + 160 * number
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(
                folder / name / f"{index}.png"
            )
    return folder


class TestListing:
    """`list`, `info` and `plugins`."""

    def test_models_by_default_and_every_kind_by_pattern(self):
        assert "vision/mnist-cnn" in zoo("list", check=0).stdout
        assert "optim/adamw" not in zoo("list").stdout
        assert "optim/adamw" in zoo("list", "adam*").stdout
        assert "vision/digits" in zoo("list", "--kind", "dataset").stdout

    def test_json_has_the_designs_fields(self):
        found = json.loads(zoo("list", "vision/*", "--json", check=0).stdout)
        assert set(found[0]) == {
            "name", "kind", "task", "summary", "plugin", "distribution", "version",
        }  # fmt: skip
        assert {entry["plugin"] for entry in found} == {"vision"}
        tasks = json.loads(zoo("list", "--task", "regression", "--json").stdout)
        assert [entry["name"] for entry in tasks] == ["vision/mlp"]

    def test_info_shows_options_from_the_real_signature(self):
        shown = zoo("info", "mlp", check=0).stdout
        assert re.search(r"hidden +tuple\[int, \.\.\.\] +\(", shown)
        assert "--set model.NAME=VALUE" in shown
        options = json.loads(zoo("info", "sgd", "--json", check=0).stdout)["options"]
        assert {"momentum", "nesterov"} <= {option["name"] for option in options}

    def test_info_of_a_name_that_is_none(self):
        assert "closest: mnist-cnn" in refused("info", "mnist-cn")

    def test_info_of_a_run_or_a_graph_says_what_it_is(self, tmp_path):
        RunWriter.create("one", "stem", "", {}).finish("failed")
        assert "one is a run; `zoo runs show one` shows it" in refused("info", "one")
        (tmp_path / "net.pt2").touch()
        assert "a graph of torch.export" in refused("info", tmp_path / "net.pt2")

    def test_plugins_are_shown_with_what_they_cost(self):
        found = json.loads(zoo("plugins", "--json", check=0).stdout)
        assert [plugin["name"] for plugin in found] == [
            "arrays",
            "optim",
            "timm",
            "torchvision",
            "track",
            "vision",
        ]
        assert all(plugin["faults"] == [] and plugin["offers"] for plugin in found)
        assert "ok" in zoo("plugins", ZOO_PLUGINS="optim").stdout

    def test_a_broken_plugin_is_named_and_the_rest_listed(self, tmp_path):
        info = tmp_path / "site" / "bad-0.3.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Name: bad\nVersion: 0.3\n")
        (info / "entry_points.txt").write_text("[zoo]\nbad = no_such_module\n")
        done = zoo("list", check=0, PYTHONPATH=str(tmp_path / "site"))
        assert "vision/mnist-cnn" in done.stdout
        assert "plugin bad (bad 0.3) is broken: ModuleNotFoundError" in done.stderr

    def test_help_and_version(self):
        shown = zoo("--help", check=0).stdout
        assert "zoo train mnist-cnn" in shown
        assert zoo("--version", check=0).stdout.startswith("zoo, version ")
        assert "--batch-size" in zoo("train", "--help", check=0).stdout

    def test_a_reader_that_leaves_is_no_error(self):
        """`zoo list | head -1` ends quietly."""
        process = subprocess.run(
            f"{sys.executable} -m zoo list '*' | head -1",
            shell=True, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert process.stderr == ""


class TestTraining:
    """`train`, and what can be done with its run."""

    def test_train_eval_predict_and_look_at_it(self, table, tmp_path):
        done = zoo("train", "mlp", "--dataset", f"npz:{table}", "--epochs", 3, "--seed", 1, check=0)
        assert re.search(r"^epoch 3/3  train loss 0\.\d+ .*samples/s", done.stdout, re.MULTILINE)
        assert "stored as mlp-table-1" in done.stdout
        measured = json.loads(zoo("eval", "mlp-table-1", "--json", check=0).stdout)
        shown = json.loads(zoo("runs", "show", "mlp-table-1", "--json", check=0).stdout)
        assert measured["metrics"] == pytest.approx(shown["metrics"], rel=1e-4)
        assert (measured["split"], measured["samples"]) == ("test", 60)
        answers = zoo("predict", "mlp-table-1", table, "--json", check=0).stdout.splitlines()
        assert len(answers) == 300
        answer = json.loads(answers[7])
        assert answer["input"] == f"{table}[7]"
        assert sum(found["probability"] for found in answer["top"]) == pytest.approx(1)
        listed = json.loads(zoo("runs", "--json", check=0).stdout)
        assert [run["name"] for run in listed] == ["mlp-table-1"]
        assert "accuracy" in zoo("runs", check=0).stdout
        assert "fingerprint" in zoo("runs", "show", "mlp-table-1", check=0).stdout

    def test_json_is_one_object_a_line_and_nothing_else(self, table):
        done = zoo("train", "mlp", "--dataset", f"npz:{table}", "--epochs", 2, "--json", check=0)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        assert [row.get("epoch") for row in rows] == [1, 2, None]
        assert rows[-1]["state"] == "done"
        assert rows[-1]["metrics"]["accuracy"] > 0.5

    def test_a_recipe_does_it_again_to_the_byte(self, table, tmp_path):
        zoo("train", "mlp", "--dataset", f"npz:{table}", "--epochs", 2, "--name", "one", check=0)
        recipe = tmp_path / "zoo-home" / "runs" / "one" / "recipe.toml"
        zoo("train", recipe, "--name", "two", check=0)
        files = [
            (recipe.parent.parent / run / "model.safetensors").read_bytes()
            for run in ("one", "two")
        ]
        assert files[0] == files[1]

    def test_a_dry_run_prints_the_recipe_and_trains_nothing(self, table, tmp_path):
        arguments = (
            "train",
            "mlp",
            "--dataset",
            f"npz:{table}",
            "--set",
            "model.hidden=[8]",
            "--dry-run",
        )
        shown = zoo(*arguments, check=0).stdout
        assert "hidden = [" in shown
        assert "# parameters: 58" in shown
        found = json.loads(zoo(*arguments, "--json", check=0).stdout)
        assert found["recipe"]["options"]["model"]["in_features"] == 4
        assert found["memory_bytes"] > 4 * 58 * 4
        assert not (tmp_path / "zoo-home" / "runs").exists()
        (tmp_path / "again.toml").write_text(shown)
        zoo("train", tmp_path / "again.toml", "--epochs", 1, check=0)

    @pytest.mark.skipif(shutil.which("g++") is None, reason="the compiler needs a C++ compiler")
    @pytest.mark.parametrize(
        ("arguments", "mode"),
        [(["--compile", "mlp"], "default"), (["--compile", "none", "mlp"], "none")],
    )
    def test_the_model_is_no_mode_of_the_compiler(self, arguments, mode):
        """`--compile` takes the next word only where there is a model besides."""
        dry = zoo("train", *arguments, "--dataset", "digits", "--dry-run", "--json", check=0)
        recipe = json.loads(dry.stdout)["recipe"]
        assert (recipe["model"], recipe["compile"]) == ("vision/mlp", mode)

    def test_without_a_network_digits_is_used_and_said(self):
        done = zoo("train", "mnist-cnn", "--epochs", 1, check=0)
        lines = [line for line in done.stderr.splitlines() if "digits" in line]
        assert len(lines) == 1
        assert lines[0].startswith("training on digits: mnist is not in ")

    def test_a_folder_of_images(self, tmp_path):
        folder = images(tmp_path / "pets")
        run = zoo(
            "train", "mnist-cnn", "--dataset", f"folder:{folder}", "--epochs", 8, "--json", check=0
        )
        name = json.loads(run.stdout.splitlines()[-1])["run"]
        assert name == "mnist-cnn-pets-1"
        answer = zoo("predict", name, folder / "dog" / "0.png", "--json", check=0)
        assert json.loads(answer.stdout)["class"] == "dog"
        other = images(tmp_path / "others", size=(20, 24))
        measured = zoo("eval", name, "--dataset", f"folder:{other}", "--json", check=0)
        assert json.loads(measured.stdout)["metrics"]["accuracy"] > 0.9

    def test_a_lone_file_is_enough(self, table, tmp_path):
        zoo("train", "mlp", "--dataset", f"npz:{table}", "--epochs", 1, "--name", "a", check=0)
        source = tmp_path / "zoo-home" / "runs" / "a" / "model.safetensors"
        (tmp_path / "model.safetensors").write_bytes(source.read_bytes())
        empty = {"ZOO_HOME": str(tmp_path / "elsewhere")}
        zoo("predict", tmp_path / "model.safetensors", table, check=0, **empty)
        zoo("eval", tmp_path / "model.safetensors", "--dataset", f"npz:{table}", check=0, **empty)

    @pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
    @pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 75)])
    def test_stopped_in_the_middle(self, table, tmp_path, number, code):
        process = subprocess.Popen(
            [sys.executable, "-m", "zoo", "train", "mlp", "--dataset", f"npz:{table}",
             "--epochs", "100000", "--name", "long"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        while "epoch" not in process.stdout.readline():
            assert process.poll() is None, process.stderr.read()
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == code
        assert "is stored; `zoo resume long` goes on" in errors
        assert "Traceback" not in errors
        run = tmp_path / "zoo-home" / "runs" / "long"
        assert json.loads((run / "run.json").read_text())["state"] == "stopped"
        assert load_file(max((run / "checkpoints").iterdir()) / "model.safetensors")

    @pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
    def test_killed_at_once_it_is_shown_as_killed(self, table, tmp_path):
        process = subprocess.Popen(
            [sys.executable, "-m", "zoo", "train", "mlp", "--dataset", f"npz:{table}",
             "--epochs", "100000", "--name", "long"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        while "epoch" not in process.stdout.readline():
            assert process.poll() is None
        time.sleep(0.2)
        process.kill()
        process.communicate()
        (run,) = json.loads(zoo("runs", "--json", check=0).stdout)
        assert run["state"] == "killed"
        shown = json.loads(zoo("runs", "show", "long", "--json", check=0).stdout)
        assert shown["state"] == "killed"
        zoo("predict", "long", table, check=0)


class TestMistakes:
    """What is asked wrongly is answered in a few lines, with exit code 2."""

    @pytest.mark.parametrize(
        ("arguments", "text"),
        [
            (["trian", "mlp"], "did you mean train"),
            (["train"], "Missing argument"),
            (["train", "mlpp"], "no model named 'mlpp'; closest: mlp"),
            (["train", "mlp", "--dataset", "digitss"], "closest: digits"),
            (["train", "mlp", "--optimizer", "admw"], "closest: adamw"),
            (["train", "mlp", "--epochs", "many"], "not a valid integer"),
            (["train", "mlp", "--epochz", "3"], "No such option"),
            (["train", "mlp", "--set", "model.hiden=[3]"], "did you mean 'hidden'"),
            (["train", "mlp", "--set", "model.dropout=abc"], "model.dropout must be a float"),
            (["train", "mlp", "--set", "model.activation=swish"], "gelu"),
            (["train", "mlp", "--set", "epochs"], "not key=value"),
            (["train", "mlp", "--epochs", "3", "--set", "epochs=4"], "set twice"),
            (["train", "nothing.toml"], "no recipe file nothing.toml"),
            (["train", "mlp", "--dataset", "npz:/no/such.npz"], "no file /no/such.npz"),
            (["train", "mlp", "--dataset", "folder:/no/such"], "/no/such"),
            (["train", "mlp", "--name", "a/b"], "can't be called 'a/b'"),
            (["train", "mlp", "--device", "cuda:77", "--dataset", "digits"], "no device 'cuda:77'"),
            (["train", "mlp", "--dataset", "digits", "--skip-bad-samples"], "skip_bad_samples"),
            (["eval", "nothing"], "nothing"),
            (["predict", "nothing", "x.png"], "nothing"),
            (["predict", "none.safetensors", "x.png"], "no file none.safetensors"),
            (["runs", "show", "nothing"], "nothing"),
            (["info", "nothing-like-it"], "zoo list"),
            (["list", "--plugin", "nope"], "there are: arrays, optim, timm, "),
            (["list", "--task", "nope"], "there are: classification, "),
            (["train", "mlp", "--set", "model=cnn"], "model is set twice"),
            (["train", "mlp", "--set", "dataset=3"], "dataset takes a name, not 3"),
            (["train", "mlp", "--name", "nul.txt"], "can't be called 'nul.txt'"),
            (["train", "mlp", "--compile", "defalt"], "did you mean 'default'?"),
            (["train", "--compile", "default"], "Missing argument 'MODEL"),
            (["train", "--compile"], "Missing argument 'MODEL"),
            (["train", "mlp", "--data-dir", "~no-such-user-here/x"], "no-such-user-here"),
            (["eval", "any", "--set", "lr=3"], "lr belongs to training"),
            (["eval", "any", "--data-dir", "~no-such-user-here/x"], "no-such-user-here"),
            (["eval", "n" * 300], "is no path"),
            (["eval", "~no-such-user-here/x"], "no-such-user-here"),
            (["runs", "show", "~no-such-user-here/x"], "no-such-user-here"),
        ],
    )
    def test_the_answer(self, arguments, text):
        assert text in refused(*arguments)

    def test_a_dataset_that_is_named_and_missing(self):
        text = refused("train", "mlp", "--dataset", "mnist", code=1)
        assert "ZOO_OFFLINE" in text or "--data-dir" in text

    def test_an_occupied_name(self, table):
        zoo("train", "mlp", "--dataset", f"npz:{table}", "--epochs", 1, "--name", "mine", check=0)
        assert "zoo runs show mine" in refused("train", "mlp", "--name", "mine")

    def test_an_unwritable_home(self, table, tmp_path):
        (tmp_path / "file").touch()
        text = refused(
            "train", "mlp", "--dataset", f"npz:{table}", code=1, ZOO_HOME=str(tmp_path / "file")
        )
        assert "ZOO_HOME" in text

    def test_object_arrays_are_never_unpickled(self, tmp_path):
        canary = tmp_path / "canary"

        class Hostile:
            def __reduce__(self):
                return (open, (str(canary), "w"))

        np.savez(tmp_path / "bad.npz", x=np.array([Hostile(), 1], dtype=object), y=[0, 1])
        text = refused("train", "mlp", "--dataset", f"npz:{tmp_path / 'bad.npz'}")
        assert "Python objects" in text
        assert not canary.exists()

    @pytest.mark.parametrize(
        ("x", "y", "text"),
        [
            (np.zeros((4, 2)), np.array([0, 1, 2]), "4 samples but 3 labels"),
            (np.zeros((4, 2)), np.zeros(4, int), "single class"),
            (np.zeros((4, 2)), np.array([0, -1, 1, 1]), "hold -1"),
            (np.zeros((1, 2)), np.array([0]), "too few"),
        ],
    )
    def test_arrays_that_do_not_fit(self, tmp_path, x, y, text):
        np.savez(tmp_path / "bad.npz", x=x, y=y)
        assert text in refused("train", "mlp", "--dataset", f"npz:{tmp_path / 'bad.npz'}")

    def test_damaged_and_foreign_files(self, tmp_path):
        for name in ("bad.npz", "bad.safetensors"):
            (tmp_path / name).write_bytes(b"hello" * 50)
        assert "bad.npz" in refused("train", "mlp", "--dataset", f"npz:{tmp_path / 'bad.npz'}")
        (tmp_path / "x.png").touch()
        assert "bad.safetensors" in refused(
            "predict", tmp_path / "bad.safetensors", tmp_path / "x.png", code=1
        )
        torch.save(torch.nn.Linear(2, 2).state_dict(), tmp_path / "net.pth")
        assert "load_weights" in refused("predict", tmp_path / "net.pth", "x.png")

    def test_folders_that_are_no_datasets(self, tmp_path):
        (tmp_path / "empty").mkdir()
        images(tmp_path / "single", classes=("cat",))
        for name in ("empty", "single"):
            assert name in refused("train", "mnist-cnn", "--dataset", f"folder:{tmp_path / name}")

    def test_a_corrupt_image_is_named_and_can_be_skipped(self, tmp_path):
        folder = images(tmp_path / "pets")
        (folder / "cat" / "broken.png").write_bytes(b"no image")
        arguments = ("train", "mnist-cnn", "--dataset", f"folder:{folder}", "--epochs", "1")
        text = refused(*arguments, code=1)
        assert "broken.png" in text
        assert "--skip-bad-samples" in text
        done = zoo(*arguments, "--skip-bad-samples", check=0)
        assert "broken.png" in done.stderr

    def test_a_traceback_only_with_debug(self, tmp_path):
        said = zoo("train", "mlpp", "--debug", check=2).stderr
        assert "Traceback" in said
        assert said.splitlines()[-1].startswith("zoo: no model named 'mlpp'")

    @pytest.mark.parametrize(
        "arguments",
        [
            ["train", "mlp", "--set", "model.x=1"],
            ["eval", "nosuch"],
            ["predict", "nosuch", "x.png"],
        ],
    )
    def test_mistakes_are_answered_before_torch_is_loaded(self, arguments):
        assert _exit_and_torch(arguments) == "2 False\n"

    def test_missing_inputs_are_answered_before_torch_is_loaded(self, tmp_path):
        (tmp_path / "model.safetensors").touch()
        for text in (tmp_path / "none.png", tmp_path, "n" * 300, "~no-such-user-here/x"):
            arguments = ["predict", str(tmp_path / "model.safetensors"), str(text)]
            assert _exit_and_torch(arguments) == "2 False\n"
        assert "is a folder" in refused("predict", tmp_path / "model.safetensors", tmp_path)

    @pytest.mark.parametrize("name", ["a.png", "a.webp", "a.npz"])
    def test_an_input_before_the_model_is_told(self, tmp_path, name):
        (tmp_path / name).touch()
        assert "the model comes first: zoo predict RUN" in refused(
            "predict", tmp_path / name, "one"
        )


def _exit_and_torch(arguments):
    """Run `zoo`; return its exit code and whether torch was imported."""
    code = (
        f"import sys; sys.argv = ['zoo', *{arguments!r}];"
        "from zoo.cli import main\n"
        "try: main()\nexcept SystemExit as e: print(e.code, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout


NOISY = """
import zoo_registry
from zoo.checkpoints import MODEL, checkpoints
from zoo_registry import DatasetSpec, hookimpl

@hookimpl
def zoo_datasets():
    return [DatasetSpec(name="noisy", summary="Prints.", build="noisy.data:build")]

@hookimpl
def zoo_commands(cli):
    raise RuntimeError("no commands today")
"""

NOISY_DATA = """
import os

import torch
from zoo import ArrayDataset
from zoo_registry import Splits

print("noisy at import")

def build(root):
    print("noisy at building")
    if "INTERRUPT" in os.environ:
        raise KeyboardInterrupt
    x = torch.arange(40.0).reshape(20, 2)
    train, test = (ArrayDataset(x[:n], torch.arange(n) % 2) for n in (20, 6))
    return Splits(train=train, test=test)
"""


class TestOthersAtWork:
    """Plugins that print or fail, and what a run on one sample leaves undefined."""

    @pytest.fixture
    def site(self, tmp_path):
        """Return a folder for PYTHONPATH with an installed plugin that prints."""
        info = tmp_path / "site" / "noisy-0.3.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Name: noisy\nVersion: 0.3\n")
        (info / "entry_points.txt").write_text("[zoo]\nnoisy = noisy.plugin\n")
        package = tmp_path / "site" / "noisy"
        package.mkdir()
        (package / "__init__.py").touch()
        (package / "plugin.py").write_text(NOISY)
        (package / "data.py").write_text(NOISY_DATA)
        return str(tmp_path / "site")

    def test_json_stays_json_where_a_dataset_prints(self, site):
        asked = ("train", "mlp", "--dataset", "noisy", "--epochs", 1, "--name", "one", "--json")
        dry = zoo(*asked, "--dry-run", check=0, PYTHONPATH=site)
        assert json.loads(dry.stdout)["training_samples"] == 20
        done = zoo(*asked, check=0, PYTHONPATH=site)
        assert [json.loads(line).get("state") for line in done.stdout.splitlines()] == [
            None,
            "done",
        ]
        assert "noisy at building" in done.stderr
        measured = zoo("eval", "one", "--json", check=0, PYTHONPATH=site)
        assert json.loads(measured.stdout)["samples"] == 6
        assert "noisy at import" in measured.stderr

    def test_a_plugins_failing_commands_are_told_of_once(self, site):
        done = zoo("--help", check=0, PYTHONPATH=site)
        assert done.stderr.count("no commands today") == 1

    def test_an_interrupt_promises_nothing_about_what_is_stored(self, site):
        asked = ("train", "mlp", "--dataset", "noisy")
        done = zoo(*asked, check=130, PYTHONPATH=site, INTERRUPT="1")
        # On a busy machine it is said that the plugin, which imports torch, takes its time.
        assert done.stderr.strip().splitlines()[-1] == "zoo: interrupted"
        assert "stored" not in done.stderr

    def test_a_plugin_that_is_not_selected_is_no_missing_one(self, table):
        zoo("train", "mlp", "--dataset", f"npz:{table}", "--epochs", 1, "--name", "a", check=0)
        text = refused("predict", "a", table, ZOO_PLUGINS="optim")
        assert "Not selected (ZOO_PLUGINS): arrays, timm, torchvision, track, vision" in text
        assert "pip install" not in text

    def test_a_metric_that_is_not_defined_is_nan_and_null(self, tmp_path):
        """r2 of a single test sample; the run stays as useful as any."""
        rng = np.random.default_rng(0)
        np.savez(
            tmp_path / "few.npz",
            x=rng.normal(size=(5, 3)).astype(np.float32),
            y=rng.normal(size=5).astype(np.float32),
        )
        asked = ("train", "mlp", "--dataset", f"npz:{tmp_path / 'few.npz'}", "--epochs", 1)
        assert "r2 nan" in zoo(*asked, "--name", "few", check=0).stdout
        measured = json.loads(zoo("eval", "few", "--json", check=0).stdout)
        assert measured["metrics"]["r2"] is None
        assert "r2 nan" in zoo("eval", "few", check=0).stdout
        assert len(zoo("predict", "few", tmp_path / "few.npz", check=0).stdout.splitlines()) == 5
        assert "few" in zoo("runs", check=0).stdout
        assert "r2 nan" in zoo("runs", "show", "few", check=0).stdout

    def test_a_damaged_run_says_what_is_wrong_with_it(self, tmp_path):
        run = tmp_path / "zoo-home" / "runs" / "bad"
        run.mkdir(parents=True)
        (run / "run.json").write_text("{")
        for asked in (("runs", "show", "bad", "--json"), ("runs", "--json", "show", "bad")):
            found = json.loads(zoo(*asked, check=0).stdout)
            assert (found["name"], found["state"]) == ("bad", "damaged")
            assert "run.json" in found["reason"]
        assert "run.json" in zoo("runs", "show", "bad", check=0).stdout
