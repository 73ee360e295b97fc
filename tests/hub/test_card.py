"""The card: what is recorded, the lines that load the model, and what its users write."""

import io
import json
import os
import re
import subprocess
import sys

import pytest
import torch
from hub_commands import REPO, zoo
from huggingface_hub import ModelCard
from loopback import File
from PIL import Image

import zoo as api
from zoo._sealed import seal, unseal


def card(hub, repo=REPO):
    """The card at the head, as the client reads it."""
    return ModelCard(hub.head(repo)["README.md"].decode())


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


def test_its_lines_load_the_model(pushed, tmp_path):
    """Each block of Python in it is run, in a process that has no run."""
    python = blocks(card(pushed).text, "python")
    assert len(python) == 2
    home = {**os.environ, "ZOO_HOME": str(tmp_path / "elsewhere")}
    shown = "\nimport torch\nprint(net(torch.zeros(1, 1, 28, 28))[0].tolist())\ndel net\n"
    done = subprocess.run(
        [sys.executable, "-c", shown.join([*python, ""])],
        env=home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    expected = api.load_model("mlp")(torch.zeros(1, 1, 28, 28))[0].tolist()
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert answers == [pytest.approx(expected, abs=1e-5)] * 2


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
    zoo("push", "mlp", REPO, "--with-pth")
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
    import numpy as np

    class Net(torch.nn.Sequential):
        def __init__(self):
            super().__init__(torch.nn.Flatten(), torch.nn.Linear(4, 2))

    x = np.random.default_rng(0).normal(size=(16, 4)).astype("float32")
    run = api.train(Net(), dataset=(x, np.arange(16) % 2), epochs=1, progress=False)
    zoo("push", run.path, "ada/own")
    text = card(hub, "ada/own").text
    assert 'zoo.load_weights(net, zoo.pull("ada/own").weights)' in text
    assert "zoo.load_model" not in text
    net = Net()
    report = api.load_weights(net, api.pull("ada/own", progress=False).weights)
    assert report.complete


def test_a_card_for_timm_says_how_timm_loads_it(hub, tiny):
    """And what is to be installed: the extra that the plugin needs."""
    zoo("push", "tiny", "ada/tiny")
    text = card(hub, "ada/tiny").text
    assert 'timm.create_model("hf_hub:ada/tiny", pretrained=True)' in text
    assert "pip install 'zoo-registry[timm]==0.1.0'" in text
    assert card(hub, "ada/tiny").data.library_name == "timm"


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
