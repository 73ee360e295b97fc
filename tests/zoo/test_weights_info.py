"""A lone file of zoo's says what it is, and whether it is whole, to whoever has only that."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image
from torch import nn

import zoo
from zoo.weights import save_weights

COMMAND = """
import sys
from zoo.cli import main
sys.argv = ["zoo", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    code = end.code
print("torch" in sys.modules, file=sys.stderr)
sys.exit(code)
"""


def run(*arguments, code=0, **environment):
    """Run `zoo`; return what it printed, once it is sure that torch was not imported."""
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment},
    )
    assert done.returncode == code, done.stderr
    *said, imported = done.stderr.splitlines()
    assert imported == "False"
    return done.stdout if code == 0 else "\n".join(said)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with nothing in it but the weights of a trained model, and an image."""
    folder = tmp_path_factory.mktemp("alone")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_HOME", str(folder / "home"))
        patch.setenv("ZOO_OFFLINE", "1")
        rng = np.random.default_rng(0)
        labels = np.arange(60) % 2
        pixels = rng.integers(0, 90, (60, 1, 8, 8)) + 160 * labels[:, None, None, None]
        data = (pixels.astype(np.uint8), labels)
        run = zoo.train("mlp", data, epochs=20, lr=0.01, name="mine", progress=False)
        (run.path / "model.safetensors").rename(folder / "net.safetensors")
        (run.path / "model.pth").rename(folder / "net.pth")
    Image.fromarray(pixels[1, 0].astype(np.uint8)).save(folder / "bright.png")
    return folder


def test_a_file_is_described_without_torch(trained):
    """Its model and plugin, input and classes, tensors and digest."""
    shown = run("info", trained / "net.safetensors")
    assert "vision/mlp (zoo-registry " in shown
    assert "digest        holds" in shown
    assert "4 F32" in shown
    assert "shape=[1, 8, 8]" in shown
    assert "in_features=64" in shown
    assert "pip install" not in shown
    found = json.loads(run("info", trained / "net.safetensors", "--json"))
    assert found["verified"] is True
    assert found["bytes"] == (trained / "net.safetensors").stat().st_size
    assert found["card"]["model"] == "vision/mlp"
    assert found["missing_plugin"] is None
    assert found["tensors"]["head.weight"] == {"dtype": "F32", "shape": [2, 128]}
    assert found["values"] == 64 * 128 + 128 + 128 * 2 + 2


def test_a_flipped_bit_of_a_lone_file_is_told(trained, tmp_path):
    """No run, no record: the file itself knows; exit code 1, as a failed check has it."""
    data = bytearray((trained / "net.safetensors").read_bytes())
    data[-5] ^= 16
    (tmp_path / "net.safetensors").write_bytes(data)
    said = run("info", tmp_path / "net.safetensors", code=1)
    assert "bytes have changed since it was written" in said
    assert "Copy or download it again" in said


def test_prediction_needs_the_file_and_its_plugin_only(trained):
    """No run, no training data, nothing in ZOO_HOME."""
    done = subprocess.run(
        [sys.executable, "-m", "zoo", "predict", "net.safetensors", "bright.png", "--json"],
        cwd=trained,
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["class"] == "1"


def test_a_missing_plugin_is_answered_with_what_to_install(trained):
    """Its distribution and version; never with code from the file."""
    shown = run("info", trained / "net.safetensors", ZOO_PLUGINS="optim")
    assert "vision/mlp" in shown
    assert "ZOO_PLUGINS" in shown
    text = (trained / "net.safetensors").read_bytes()
    foreign = trained / "foreign.safetensors"
    metadata = json.loads(text[8 : 8 + int.from_bytes(text[:8], "little")])["__metadata__"]
    card = json.loads(metadata["zoo"])
    card |= {"model": "acme/net", "distribution": "acme-zoo", "version": "1.2.3", "plugin": "acme"}
    state = safetensors.torch.load_file(trained / "net.safetensors")
    save_weights(state, foreign, metadata={"zoo": json.dumps(card)})
    assert "pip install acme-zoo==1.2.3" in run("info", foreign)
    found = json.loads(run("info", foreign, "--json"))
    assert "acme-zoo 1.2.3, which is not installed" in found["missing_plugin"]
    done = subprocess.run(
        [sys.executable, "-m", "zoo", "predict", str(foreign), str(trained / "bright.png")],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "pip install acme-zoo==1.2.3" in done.stderr


def test_another_programs_file_is_described_as_far_as_it_goes(tmp_path):
    """Its tensors; no digest and no model, and how to tell one."""
    file = tmp_path / "theirs.safetensors"
    safetensors.torch.save_file(nn.Linear(3, 2).state_dict(), file, metadata={"format": "pt"})
    shown = run("info", file)
    assert "digest        none" in shown
    assert "zoo convert" in shown
    found = json.loads(run("info", file, "--json"))
    assert (found["verified"], found["card"]) == (False, None)
    assert found["metadata"] == {"format": "pt"}


@pytest.mark.parametrize("card", ["[1]", "{", "3", '{"model": 3, "options": [], "classes": {}}'])
def test_a_card_that_is_none_does_no_harm(tmp_path, card):
    """A stranger may write anything there."""
    file = save_weights({"a": torch.ones(2)}, tmp_path / "a.safetensors", metadata={"zoo": card})
    assert "digest        holds" in run("info", file.path)


def test_a_pth_says_nothing_of_itself(trained):
    """What does, and how to make one; without importing torch to find out."""
    said = run("info", trained / "net.pth", code=2)
    assert "only .safetensors files do" in said
    assert "zoo convert net.pth -o net.safetensors" in said


def test_a_file_that_is_not_there_is_named(tmp_path):
    """With the nearest there is."""
    save_weights({"a": torch.ones(2)}, tmp_path / "model.safetensors")
    assert "similar: model.safetensors" in run("info", tmp_path / "modell.safetensors", code=2)
