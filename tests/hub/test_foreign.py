"""Repositories that zoo did not write, and programs that are not zoo."""

import json
import subprocess
import sys

import pytest
import timm
import torch
from hub_commands import copies, zoo
from huggingface_hub import PyTorchModelHubMixin
from safetensors.torch import save_file

import zoo as api

TIMMS = "ada/tiny"


@pytest.fixture
def foreign(hub):
    """A repository with what timm itself writes, of a model for five classes."""
    torch.manual_seed(0)
    net = timm.create_model("test_resnet", num_classes=5).eval()
    cfg = {
        "input_size": [3, 48, 48],
        "mean": [0.5, 0.4, 0.3],
        "std": [0.2, 0.2, 0.2],
        "num_classes": 5,
        "custom_load": False,
    }
    config = {"architecture": "test_resnet", "num_classes": 5, "pretrained_cfg": cfg}
    config["label_names"] = ["ant", "bee", "cat", "dog", "eel"]
    return net, config


def serve(hub, tmp_path, net, config, name=TIMMS, **files):
    """Put a model and its configuration on the hub."""
    save_file(net.state_dict(), tmp_path / "model.safetensors")
    weights = (tmp_path / "model.safetensors").read_bytes()
    hub.add(
        name,
        {"model.safetensors": weights, "config.json": json.dumps(config).encode(), **files},
    )


def test_a_repository_of_timms_is_a_model(hub, tmp_path, foreign):
    """It answers as timm's own does, with timm's classes and timm's preparation."""
    net, config = foreign
    serve(hub, tmp_path, net, config)
    loaded = api.load_model(f"hf:{TIMMS}")
    x = torch.randn(2, 3, 48, 48)
    assert torch.equal(loaded(x), net(x))
    from PIL import Image

    Image.new("RGB", (48, 48), (9, 99, 199)).save(tmp_path / "animal.png")
    (answer,) = api.predict(f"hf:{TIMMS}", [tmp_path / "animal.png"])
    assert answer["class"] in config["label_names"]
    card = zoo("info", f"hf:{TIMMS}", "--json").json["card"]
    assert card["model"] == "timm/test_resnet"
    assert card["input"]["mean"] == [0.5, 0.4, 0.3]
    assert "resolve" not in str(copies())


def test_an_older_repository_of_timms(hub, tmp_path, foreign):
    """It has the configuration on the first level, and a tag behind the architecture."""
    net, config = foreign
    flat = {**config["pretrained_cfg"], "architecture": "test_resnet.r160_in1k"}
    serve(hub, tmp_path, net, flat)
    assert api.load_model(f"hf:{TIMMS}").num_classes == 5


def test_an_architecture_that_nobody_offers(hub, tmp_path, foreign):
    """The name is in the line; where the plugin says what is not installed, so does the line."""
    net, config = foreign
    serve(hub, tmp_path, net, {**config, "architecture": "resnet_of_tomorrow"})
    said = zoo("pull", TIMMS, code=2)
    assert "is for timm/resnet_of_tomorrow, which no plugin here offers" in said.err
    assert not copies()


@pytest.mark.parametrize(
    ("config", "word"),
    [
        ({"architectures": ["ResNetForImageClassification"]}, "names no architecture"),
        ({"architecture": "os:system", "pretrained_cfg": {}}, "which no plugin here offers"),
        ({"model_id": "zoo_vision.mlp:MLP"}, "which no plugin here offers"),
        ({"auto_map": {"AutoModel": "modeling.Net"}, "model_id": 7}, "which no plugin here"),
        ([1], "is no table"),
        ({"architecture": "test_resnet", "pretrained_cfg": {}, "model_args": {"act": 1}}, "act"),
    ],
)
def test_nothing_in_a_config_is_followed(hub, tmp_path, foreign, config, word):
    """Names are looked up among the plugins; addresses are names that nobody offers."""
    serve(hub, tmp_path, foreign[0], config, **{"modeling.py": b"raise SystemExit('run!')"})
    said = zoo("pull", TIMMS, code=2)
    assert word in said.err
    assert not hub.asked(path="modeling")


def test_pickles_are_never_read(hub):
    """A repository that has no safetensors is refused before anything is fetched."""
    hub.add(TIMMS, {"pytorch_model.bin": b"cos\nsystem\n", "config.json": b"{}"})
    said = zoo("pull", TIMMS, code=2)
    assert "only pytorch_model.bin, which is never read" in said.err
    assert not hub.asked(path="resolve")


def test_a_config_that_asks_for_another_model_is_refused(hub, tmp_path, foreign):
    """The weights do not fit it, and the text says so."""
    net, config = foreign
    serve(hub, tmp_path, net, {**config, "architecture": "resnet18"})
    said = zoo("predict", f"hf:{TIMMS}", tmp_path / "model.safetensors", code=2)
    assert "model.safetensors" in said.err


def test_what_zoo_pushes_timm_loads(hub, tiny, tmp_path):
    """From a folder and from the hub, with timm's own functions: the same answers."""
    zoo("push", "tiny", TIMMS)
    here = api.pull(TIMMS, progress=False)
    ours, x = api.load_model("tiny"), torch.randn(2, 3, 32, 32)
    net = timm.create_model(f"local-dir:{here.path}", pretrained=True).eval()
    assert torch.equal(net(x), ours(x))
    assert net.pretrained_cfg["classifier"] == "fc"
    assert tuple(net.pretrained_cfg["input_size"]) == (3, 32, 32)
    other = timm.create_model(f"local-dir:{here.path}", pretrained=True, num_classes=7)
    assert other(x).shape == (2, 7)
    code = f"""
import timm, torch
torch.manual_seed(0)
net = timm.create_model("hf_hub:{TIMMS}", pretrained=True).eval()
torch.save(net(torch.ones(1, 3, 32, 32)), {str(tmp_path / "out.pt")!r})
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    assert torch.equal(torch.load(tmp_path / "out.pt"), ours(torch.ones(1, 3, 32, 32)))
    assert hub.asked("GET", "/lfs/get/")


def test_what_zoo_pushes_the_mixin_loads(pushed):
    """A class with the model's arguments gets them from config.json, and the weights."""
    from zoo_vision.mlp import MLP

    class Net(MLP, PyTorchModelHubMixin):
        pass

    here = api.pull("ada/digits", progress=False)
    net = Net.from_pretrained(here.path, strict=True)
    x = torch.rand(2, 1, 28, 28)
    assert torch.equal(net(x), api.load_model("mlp")(x))
