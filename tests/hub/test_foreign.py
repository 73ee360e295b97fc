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
        ({}, f"`hf download {TIMMS} model.safetensors` brings the weights"),
        ({"architecture": "resnet18"}, "which several plugins here offer, and its config.json"),
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


def test_what_a_config_says_of_images_is_done_as_timm_does(hub, tmp_path, foreign):
    """Scaled until both sides are long enough, and cut: the same answers for a wide photograph."""
    from PIL import Image
    from timm.data import create_transform, resolve_data_config

    net, config = foreign
    for change in ({}, {"crop_pct": 0.95, "interpolation": "bilinear"}, {"crop_mode": "squash"}):
        config["pretrained_cfg"] |= {"crop_mode": "center", **change}
        serve(hub, tmp_path, net, config)
        noise = torch.randint(0, 256, (90, 131, 3), dtype=torch.uint8)
        photo = Image.fromarray(noise.numpy())
        photo.save(tmp_path / "photo.png")
        prepare = create_transform(**resolve_data_config(config["pretrained_cfg"]))
        expected = net(prepare(photo).unsqueeze(0)).softmax(1).max().item()
        (answer,) = api.predict(f"hf:{TIMMS}", [tmp_path / "photo.png"])
        assert answer["probability"] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    "change",
    [
        {"crop_mode": "border"},
        {"interpolation": "lanczos"},
        {"crop_pct": 1.5},
        {"mean": [0.5, 0.5]},
        {"std": [0.2, 0, 0.2]},
        {"input_size": [3, 100_000, 100_000]},
    ],
)
def test_images_that_can_t_be_prepared_so_are_not_prepared_otherwise(
    hub, tmp_path, foreign, change
):
    """The model can be had, and `predict` says that it does not know what to do with a photo."""
    net, config = foreign
    config["pretrained_cfg"] |= change
    serve(hub, tmp_path, net, config)
    assert isinstance(api.load_model(f"hf:{TIMMS}"), torch.nn.Module)
    said = zoo("predict", f"hf:{TIMMS}", tmp_path / "model.safetensors", code=2)
    assert "don't say how its samples are prepared" in said.err


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"[" * 100_000, "can't be read"),
        (b'{"architecture": NaN}', "can't be read"),
        (b"\xff\xfe\0", "can't be read"),
        (b'{"model_id": "a\\u001b[2Jb\\n"}', "is for a?[2Jb?, which"),
        (b'{"architecture": "test_resnet"' + b" " * 6_000_000 + b"}", "6.0 MB: too many"),
    ],
)
def test_a_config_that_is_none(hub, tmp_path, foreign, data, word):
    """Too deep, no JSON, no text, a trap for terminals, too long: one line each."""
    serve(hub, tmp_path, foreign[0], {})
    hub.add(TIMMS, {"config.json": data})
    said = zoo("pull", TIMMS, code=1 if "too many" in word else 2)
    assert word in said.err
    assert len(said.err.splitlines()) == 1
    assert not copies()


@pytest.mark.parametrize("number", [10**9, -1, "5", 2.5, [5]])
def test_a_number_of_classes_that_is_none(hub, tmp_path, foreign, number):
    """It is refused before the weights are fetched; what would fill the memory, before it does."""
    net, config = foreign
    serve(hub, tmp_path, net, {**config, "num_classes": number})
    assert "as its number of classes" in zoo("pull", TIMMS, code=2).err
    assert not hub.asked(path="/lfs/get/")
    serve(hub, tmp_path, net, {**config, "num_classes": 999_999})
    said = zoo("predict", f"hf:{TIMMS}", tmp_path / "model.safetensors", code=2)
    assert "asks for timm/test_resnet with 97,3" in said.err


def test_weights_in_several_files(hub, foreign):
    """It is said, before anything is fetched."""
    names = ["model-00001-of-00002.safetensors", "model.safetensors.index.json"]
    hub.add(TIMMS, {**dict.fromkeys(names, b"{}"), "config.json": json.dumps(foreign[1]).encode()})
    assert "has its weights in several files" in zoo("pull", TIMMS, code=2).err
    hub.add("ada/clip", {"open_clip_model.safetensors": b"", "config.json": b"{}"})
    assert "but open_clip_model.safetensors" in zoo("pull", "ada/clip", code=2).err
    assert not hub.asked(path="resolve")


def test_weights_of_a_wrapper(hub, tmp_path, foreign):
    """The line says how to take its name out, with a path that is there."""
    net, config = foreign
    serve(hub, tmp_path, torch.nn.ModuleDict({"module": net}), config)
    said = zoo("predict", f"hf:{TIMMS}", tmp_path / "model.safetensors", code=2)
    assert "Its names are a wrapper's" in said.err
    path = said.err.split("zoo convert ")[1].split(" -o ")[0]
    zoo("convert", path, "-o", tmp_path / "bare.safetensors")
    api.load_weights(net, tmp_path / "bare.safetensors")
