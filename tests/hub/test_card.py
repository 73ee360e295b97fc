"""The card: what is recorded, the lines that load the model, and what its users write."""

import dataclasses
import io
import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from hub_commands import REPO, zoo
from huggingface_hub import ModelCard
from loopback import File
from markdown_it import MarkdownIt
from PIL import Image

import zoo as api
from zoo._registry import registry
from zoo._sealed import seal, unseal
from zoo.hub._card import write_card
from zoo.hub._config import write_config
from zoo.hub._kept import Kept
from zoo.hub._paths import paths_in, places_told, without_paths
from zoo.hub._place import Place
from zoo.hub._subject import subject_of


def card(hub, repo=REPO, branch="main"):
    """The card at the head, as the client reads it."""
    return ModelCard(hub.head(repo, branch)["README.md"].decode())


def written(subject):
    """The card of a run, without a hub, as the client reads it."""
    return ModelCard(write_card(subject, Place(REPO), {"model.safetensors": 407_080}, Kept()))


@pytest.fixture
def subject(run):
    """The run `mlp`; what its weights say of it may be changed."""
    return subject_of(str(run), registry())


def blocks(text, language):
    """The fenced blocks of a language."""
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_its_head_is_a_model_index(pushed, run):
    """The metrics that the run recorded, on the split that they were measured on."""
    found = card(pushed).data
    recorded = api.runs.open_run(run).metrics
    assert {result.metric_type: result.metric_value for result in found.eval_results} == recorded
    assert {result.dataset_split for result in found.eval_results} == {"test"}
    assert found.pipeline_tag == "image-classification"
    assert found.library_name == "zoo"
    assert found.tags == ["zoo", "mlp", "classification"]


def test_it_passes_the_client_s_own_validation(pushed):
    """Which asks the hub. The client does so for each commit, too."""
    code = f"""
from huggingface_hub import ModelCard
ModelCard.load({REPO!r}).validate()
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    assert len(pushed.asked("POST", "/validate-yaml")) == 1


def test_it_says_what_is_recorded(pushed, run):
    """Model, plugin, data, recipe, classes, input, parameters, size, licence."""
    text = card(pushed).text
    for fact in (
        *("`vision/mlp`", "vision zoo-registry 0.1.0", "`in_features=784`", "101,770"),
        *("0.4 MB in `model.safetensors`", "`shape=[1, 28, 28]`", "10: 0, 1, 2", "Apache-2.0"),
        *("1,438 train, 359 test samples", "Measured on the test split, 359 samples"),
        *("the one with the best accuracy on the same split", "zoo-registry==0.1.0"),
        (run / "recipe.toml").read_text("utf-8").strip(),
    ):
        assert fact in text
    assert unseal((run / "run.json").read_bytes())["data"]["fingerprint"] in text


@pytest.mark.parametrize(
    ("run", "branch", "without", "shape"),
    [
        ("mlp", "main", ("zoo",), (1, 1, 28, 28)),
        ("tiny", "trial", ("zoo", "zoo_registry", "zoo_timm"), (1, 3, 32, 32)),
    ],
)
def test_its_lines_load_the_model(hub, trained, tmp_path, run, branch, without, shape):
    """Each block of Python in it is run, in a process that has no run; those for torch without zoo.

    The model of a plugin's own comes from the plugin; timm's needs nothing but timm. Of a branch,
    they load what is on it.
    """
    zoo("push", trained / run, REPO, "--revision", branch)
    python = blocks(card(hub, branch=branch).text, "python")
    ours = [block for block in python if "import zoo\n" in block]
    theirs = [block for block in python if block not in ours]
    assert (len(ours), len(theirs)) == (1, 1 if run == "mlp" else 2)
    shown = f"\nimport torch\nprint(net(torch.ones{shape})[0].tolist())\ndel net\n"
    code = f"""
import sys
for name in {without}:
    sys.modules[name] = None
{shown.join([*theirs, ""])}
for name in {without}:
    del sys.modules[name]
{shown.join([*ours, ""])}
"""
    home = {**os.environ, "ZOO_HOME": str(tmp_path / "elsewhere")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=home, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    expected = api.load_model(trained / run)(torch.ones(shape))[0].tolist()
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert answers == [pytest.approx(expected, abs=1e-5)] * len(python)


def test_it_says_what_the_module_takes_and_returns(subject):
    """Who calls it without zoo prepares samples as zoo would."""
    text = written(subject).text
    assert "takes `(N, 1, 28, 28)` of `float32`: values of 0 to 255 divided by 255, less" in text
    assert "returns `(N, 10)`: scores of the classes, of which softmax" in text
    subject.card["input"] = {"shape": [784], "dtype": "float32"}
    subject.card["task"] = "multilabel"
    text = written(subject).text
    assert "takes `(N, 784)` of `float32`, as the data have them" in text
    assert "of which sigmoid" in text
    assert "zoo predict hf:ada/digits samples.npz" in text, "no image"


@pytest.mark.parametrize(
    ("version", "line"),
    [
        ("1.2.3", "$ pip install acme-zoo==1.2.3 zoo-registry\n"),
        ("1.2.3+g1a2b3c", "$ pip install acme-zoo zoo-registry\n"),
        ("1; rm -rf ~", ""),
    ],
)
def test_the_line_that_installs_can_be_typed(subject, version, line):
    """No index has a version of somebody's working copy; a card may hold anything."""
    subject.card.update(distribution="acme-zoo", version=version)
    text = written(subject).text
    assert "".join(re.findall(r"\$ pip install .*\n", text)) == line
    assert ("a version that is on no index" in text) == ("+" in version)


def test_a_model_whose_plugin_is_not_here(subject):
    """What builds it is not known; what to install is."""
    other = dataclasses.replace(subject, entry=None)
    text = written(other).text
    assert "net = ...  # the plugin's module, built with the options below" in text
    assert "$ pip install zoo-registry==0.1.0" in text
    assert json.loads(write_config(other))["model_id"] == "vision/mlp"


HOSTILE = (
    *("<script>alert(1)</script>", "a | b", "`code`", "``", "](http://x)", "# head", "*_~$&amp;"),
    *(
        "two\nlines\n\n# head",
        "back\\slash\\|",
        "<!-- comment",
        "\u202etxt.exe",
        "\udcff",
        "\x1b[31m",
    ),
    "<!-- What stands below this line is yours: zoo push keeps it. -->",
)


def test_texts_are_shown_as_they_are(subject):
    """Whatever classes are called: nothing of it is Markdown or HTML."""
    plain = written(subject).text
    subject.card["classes"] = list(HOSTILE)
    subject.card["options"] = {f"n{number}": text for number, text in enumerate(HOSTILE)}
    text = written(subject).text
    parser = MarkdownIt("commonmark").enable("table")
    kinds = [[token.type for token in parser.parse(text)] for text in (plain, text)]
    assert kinds[0] == kinds[1], "what it is made of is the same"
    inline = [token for token in parser.parse(text) if token.type == "inline"]
    shown = ["".join(part.content for part in token.children) for token in inline]
    (classes,) = [line for line in shown if line.startswith("10: ")]
    seen = [" ".join("".join(c if c.isprintable() else " " for c in t).split()) for t in HOSTILE]
    assert classes.removeprefix("10: ") == ", ".join(seen)
    kinds = {part.type for token in inline for part in token.children}
    assert kinds == {"text", "code_inline"}


def test_it_stays_short(subject):
    """Long names and lists are cut, for the next push reads the card, too."""
    long = ["x" * 1000] * 2000
    subject.card["classes"] = long
    subject.card["options"] = {"long": long}
    subject.run.recipe["options"]["model"] = {"long": long}
    text = written(subject).text
    assert len(text) < 50_000
    assert ", and 1950 more" in text


PATHS = (
    *("/home/ada/photos", "~/photos", "~ada/x", "C:\\Users\\ada", "d:/photos", "\\\\server\\share"),
    *("folder:/home/ada/x", "file:///home/x", "a (/home/ada)", "x=/home/ada", "one\n/home/ada"),
)
NO_PATHS = ("vision/digits", "hf:ada/digits@v1", "https://x.org/a", "s3://b/c", "1/2", "a / b", "~")


def test_no_path_of_somebody_s_disk_is_shown(subject):
    """Not in the recipe, the options or the lines that build the model, however deep it lies."""
    options = {"list": list(PATHS), "table": {"deep": [{"path": PATHS[0]}]}, "fine": list(NO_PATHS)}
    subject.card["options"] = {"hidden": options}
    subject.run.recipe["options"]["dataset"] = options
    subject.run.recipe["weights"] = PATHS[0]
    text = written(subject).text
    for name in ("ada/photos", "ada/x", "Users", "server", "d:/", "file:", "(/home", "=/home"):
        assert name not in text
    assert "hf:ada/digits@v1" in text
    assert without_paths(list(PATHS)) == ["…"] * len(PATHS)
    assert list(paths_in(list(NO_PATHS[:-1]))) == []


def test_what_tells_of_places_is_named(subject):
    """The recipe and the weights have them, for they are what the training was given."""
    assert places_told(subject) == ""
    subject.run.recipe["options"]["dataset"] = {"path": "/home/ada/photos"}
    subject.card["dataset_options"] = {"path": "/home/ada/photos"}
    assert places_told(subject) == (
        "note: what is sent names places on this machine: recipe.toml, model.safetensors "
        "(/home/ada/photos). Who reads the repository sees them; a training with the data "
        "elsewhere names others"
    )


def test_a_push_says_that_it_tells_of_places(hub, tmp_path):
    """Before it sends anything, with --dry-run, and when it has; the card shows none."""
    x = torch.rand(8, 4).numpy()
    np.savez(tmp_path / "mine.npz", x_train=x, y_train=np.arange(8) % 2)
    api.train("mlp", dataset=f"npz:{tmp_path}/mine.npz", epochs=1, name="mine", progress=False)
    for flags in (["--dry-run"], []):
        said = zoo("push", "mine", "ada/mine", *flags)
        assert f"recipe.toml, model.safetensors ({tmp_path}/mine.npz)" in said.err
    assert str(tmp_path) not in card(hub, "ada/mine").content
    assert "places" not in zoo("push", "mine", "ada/mine").err, "nothing is sent"


@pytest.mark.parametrize(
    ("task", "shape", "kind"),
    [
        ("classification", [1, 28, 28], "image-classification"),
        ("multilabel", [5], "tabular-classification"),
        ("regression", [5], "tabular-regression"),
        ("regression", [3, 8, 8], "other"),
        ("classification", [7, 4], "other"),
    ],
)
def test_its_task_is_one_that_hubs_know(subject, task, shape, kind):
    """Metrics that are no numbers are left out; others come back as they are."""
    subject.card.update(task=task, input={"shape": shape, "dtype": "float32"})
    subject.run.record["metrics"] = {"loss": 1e-9, "rmse": None, "r2": -3.5, "train_loss": 1.0}
    found = written(subject)
    results = {result.metric_type: result.metric_value for result in found.data.eval_results}
    assert results == {"loss": 1e-9, "r2": -3.5}
    assert {result.task_type for result in found.data.eval_results} == {kind}
    assert found.data.pipeline_tag == (None if kind == "other" else kind)
    assert "| loss | 1e-09 |\n| r2 | -3.5000 |" in found.text


def test_metrics_of_the_training_s_own_samples_say_so(subject):
    """Where nothing was held out, they are named as others are, on that split."""
    subject.run.record.update(
        metrics={"train_loss": 0.5, "train_accuracy": 0.75}, monitor="train_accuracy:max"
    )
    subject.run.record["data"]["test"] = 0
    found = written(subject)
    assert {(r.metric_type, r.dataset_split) for r in found.data.eval_results} == {
        ("loss", "train"),
        ("accuracy", "train"),
    }
    assert "Measured on the train split, 1,438 samples, after epoch" in found.text
    assert "the best accuracy on the same split" in found.text


@pytest.mark.parametrize(
    ("state", "early", "said"),
    [
        ("done", False, "| epochs | 2 |"),
        ("done", True, "| epochs | 2 of 9: it no longer got better, and was stopped |"),
        ("stopped", False, "| epochs | 2 of 9: the training was stopped |"),
        ("failed", False, "| epochs | 2 of 9: the training failed |"),
    ],
)
def test_it_says_where_a_training_ended(subject, state, early, said):
    """Not all of them come to the end of their recipe."""
    subject.run.record.update(stopped_early=early)
    subject.run.recipe["epochs"] = 9
    object.__setattr__(subject.run, "state", state)
    assert said in written(subject).text


def test_it_says_what_a_training_started_from(subject):
    """The weights of another run, of a hub or of a file, by their digest; no file's place."""
    subject.run.recipe.update(weights="hf:ada/first@0123", weights_sha256="ab" * 32)
    assert f"| started from | `hf:ada/first@0123`, sha256 `{'ab' * 32}` |" in written(subject).text
    subject.run.recipe["weights"] = "/home/ada/net.pth"
    assert f"| started from | `…`, sha256 `{'ab' * 32}` |" in written(subject).text


def test_a_model_s_own_words_come_first_in_config_json(subject):
    """What is built from it takes its options by name, whatever they are called."""
    subject.card["options"] = {"architecture": "deep", "model_id": 7, "hidden": [1, 2]}
    config = json.loads(write_config(subject))
    assert (config["architecture"], config["model_id"], config["hidden"]) == ("deep", 7, [1, 2])


def test_its_picture_has_a_line_for_each_split(pushed):
    """The learning curves, of loss and of the metric that chose the epoch."""
    picture = Image.open(io.BytesIO(pushed.head(REPO)["curves.png"])).convert("RGB")
    colours = {colour for _, colour in picture.getcolors(1 << 20)}
    assert {(0x33, 0x66, 0xCC), (0xDC, 0x5F, 0x00)} <= colours
    assert "![Learning curves](curves.png)" in card(pushed).text


def test_prose_is_kept(pushed):
    """Below the line, and keys of the head that zoo does not write."""
    text = pushed.head(REPO)["README.md"].decode()
    mine = text.replace("---\n", "---\nlicense: mit\nlanguage: en\n", 1).replace(
        "- zoo\n", "- zoo\n- handwriting\n", 1
    )
    pushed.add(REPO, {"README.md": (mine + "\nTrained for fun.\n").encode()})
    zoo("push", "mlp", REPO, "--with-pth")
    after = card(pushed)
    assert after.data.license == "mit"
    assert after.data.language == "en"
    assert "handwriting" in after.data.tags
    assert after.text.rstrip().endswith("Trained for fun.")
    assert zoo("push", "mlp", REPO, "--with-pth", "--json").json["changed"] is False
    assert pushed.head(REPO)["README.md"].decode().count("Trained for fun.") == 1


def test_a_card_by_hand_is_kept_whole(hub, run):
    """Below what zoo writes."""
    hub.add(REPO, {"README.md": b"---\nlicense: mit\n---\n# My model\n\nIt is good."})
    zoo("push", "mlp", REPO)
    text = hub.head(REPO)["README.md"].decode()
    assert text.endswith("# My model\n\nIt is good.\n")
    assert card(hub).data.license == "mit"


def test_a_module_of_one_s_own(hub, trained):
    """The card says how it is loaded, and not that a plugin could."""

    class Net(torch.nn.Sequential):
        def __init__(self):
            super().__init__(torch.nn.Flatten(), torch.nn.Linear(4, 2))

    x = np.random.default_rng(0).normal(size=(16, 4)).astype("float32")
    run = api.train(Net(), dataset=(x, np.arange(16) % 2), epochs=1, progress=False)
    zoo("push", run.path, "ada/own")
    text = card(hub, "ada/own").text
    assert 'zoo.load_weights(net, zoo.pull("ada/own").weights)' in text
    assert "zoo.load_model" not in text
    assert "`net`, a module of its author's own, trained on `arrays` with zoo." in text
    assert "net = ...  # your own module, built as it was trained" in text
    net = Net()
    report = api.load_weights(net, api.pull("ada/own", progress=False).weights)
    assert report.complete


def test_a_card_for_timm_says_how_timm_loads_it(hub, tiny):
    """And what is to be installed: the extra that the plugin needs."""
    zoo("push", "tiny", "ada/tiny")
    text = card(hub, "ada/tiny").text
    assert 'timm.create_model("hf_hub:ada/tiny", pretrained=True)' in text
    assert "pip install 'zoo-registry[timm]==0.1.0'" in text
    assert "(`pip install timm safetensors huggingface_hub`)" in text
    assert card(hub, "ada/tiny").data.library_name == "timm"
    cfg = json.loads(hub.head("ada/tiny")["config.json"])["pretrained_cfg"]
    assert (cfg["mean"], cfg["std"]) == ([0, 0, 0], [1, 1, 1]), "or timm would take its own"
    assert (cfg["crop_pct"], cfg["interpolation"]) == (1, "bilinear")


def test_a_run_of_one_epoch_has_no_picture(hub, run):
    """Nor does the card show one. A record that was altered is no record."""
    history = (run / "metrics.jsonl").read_text("utf-8").splitlines()[0] + "\n"
    (run / "metrics.jsonl").write_text(history, encoding="utf-8")
    record = unseal((run / "run.json").read_bytes())
    made = File(history.encode())
    record["files"]["metrics.jsonl"] = {"sha256": made.sha256, "bytes": len(made.data)}
    (run / "run.json").write_text(seal(record), encoding="utf-8")
    zoo("push", "mlp", REPO)
    assert "curves.png" not in hub.head(REPO)
    assert "curves.png" not in card(hub).text
