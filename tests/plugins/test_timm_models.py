"""timm's architectures: built for the data at hand, from fresh or from timm's own weights."""

import os
import re
import shutil
import signal

import pytest
import timm
import torch
from huggingface_hub import constants
from PIL import Image
from safetensors.torch import save_file
from torch.nn.modules.module import register_module_forward_pre_hook

import zoo
from zoo.errors import Stopped
from zoo_registry import InvalidOption, ZooError
from zoo_timm.expects import expects
from zoo_timm.models import build, plain

SMALL, TAG = "test_vit", "r160_in1k"
"""timm's smallest transformer: 160x160 pixels, of which weights are on the hub."""


def scores(model, *shape):
    """The outputs for a batch of noise."""
    with torch.no_grad():
        return model.eval()(torch.rand(shape, generator=torch.Generator().manual_seed(0)))


class TestFit:
    """Classes, channels and sizes are those of the data."""

    @pytest.mark.parametrize(
        ("architecture", "channels", "size"),
        [
            ("test_vit", 1, 32),
            ("test_vit", 3, (32, 48)),
            ("test_resnet", 1, 33),
            ("test_efficientnet", 3, (40, 24)),
        ],
    )
    def test_it_takes_the_images_and_tells_the_classes(self, architecture, channels, size):
        model = build(
            architecture=architecture, num_classes=7, in_channels=channels, image_size=size
        )
        shape = (size, size) if isinstance(size, int) else size
        assert scores(model, 2, channels, *shape).shape == (2, 7)

    def test_without_a_size_it_is_timms(self):
        assert scores(build(architecture=SMALL, num_classes=4), 2, 3, 160, 160).shape == (2, 4)

    @pytest.mark.parametrize(
        "options",
        [
            {"architecture": "test_vit", "num_classes": 7, "in_channels": 1, "image_size": 32},
            {"architecture": "test_resnet", "image_size": 33, "global_pool": "max"},
        ],
    )
    def test_timm_alone_builds_the_same(self, options):
        """By the call that cards show."""
        ours, theirs = build(**options), eval(plain(**options), {"timm": timm})
        theirs.load_state_dict(ours.state_dict())
        shape = (2, options.get("in_channels", 3), options["image_size"], options["image_size"])
        assert torch.equal(scores(ours, *shape), scores(theirs, *shape))

    def test_the_seed_decides_the_weights(self):
        first, again = (self.seeded(SMALL) for _ in range(2))
        assert all(torch.equal(first[name], again[name]) for name in first)

    def seeded(self, architecture):
        torch.manual_seed(3)
        return build(architecture=architecture).state_dict()

    def test_its_options_are_timms(self):
        model = build(architecture="test_resnet", drop_rate=0.3, drop_path_rate=0.2)
        assert model.drop_rate == 0.3
        with pytest.raises(InvalidOption, match="vgg11 refuses its options.*drop_path_rate"):
            build(architecture="vgg11", num_classes=2, drop_path_rate=0.1)
        with pytest.raises(InvalidOption, match="refuses its options"):
            build(architecture="test_resnet", global_pool="sideways")

    def test_an_unknown_tag_is_answered_with_the_known_ones(self):
        with pytest.raises(InvalidOption, match=f"tagged 'no'; there are: {TAG}"):
            build(architecture=SMALL, tag="no")


class TestExpects:
    """What is asked of a dataset, by what the weights were trained on."""

    @pytest.mark.parametrize("architecture", ["resnet18", "vit_tiny_patch16_224", "inception_v4"])
    def test_weights_decide_size_channels_and_normalisation(self, architecture):
        config = timm.get_pretrained_cfg(architecture)
        assert expects(architecture, pretrained=True) == {
            "image_size": config.input_size[-1],
            "channels": 3,
            "mean": config.mean,
            "std": config.std,
        }

    def test_the_tag_is_heeded(self):
        half = expects("vit_tiny_patch16_224", pretrained=True)
        imagenet = expects("vit_tiny_patch16_224", pretrained=True, tag="augreg_in21k_ft_in1k")
        assert half == imagenet
        larger = expects("convnext_tiny", pretrained=True, tag="fb_in22k_ft_in1k_384")
        assert larger["image_size"] == 384

    def test_without_weights_only_what_is_made_for_one_size_asks_for_it(self):
        assert set(expects("resnet18")) == {"mean", "std"}
        assert expects("vit_tiny_patch16_224")["image_size"] == 224

    def test_the_users_wish_goes_before(self):
        asked = {"image_size": 64, "in_channels": 1, "num_classes": 3, "drop_rate": 0.1}
        found = expects("vit_tiny_patch16_224", pretrained=True, **asked)
        assert (found["image_size"], found["channels"]) == (64, 1)
        assert expects("resnet18", image_size=(32, 48))["image_size"] == (32, 48)

    def test_weights_that_there_are_not_are_refused(self):
        without = next(
            name
            for name in timm.list_models("vit_*", include_tags=False)
            if not timm.list_pretrained(f"{name}.*")
        )
        with pytest.raises(InvalidOption, match=f"no weights of {without} by default"):
            expects(without, pretrained=True)


@pytest.fixture
def on_disk(tmp_path, monkeypatch):
    """A hub's cache with weights for `SMALL`; returns its folder, and the weights."""
    folder = tmp_path / "hub"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder))
    torch.manual_seed(11)
    weights = timm.create_model(SMALL).state_dict()
    place = folder / f"models--timm--{SMALL}.{TAG}"
    snapshot = place / "snapshots" / "0123456789abcdef0123456789abcdef01234567"
    snapshot.mkdir(parents=True)
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text(snapshot.name)
    save_file(weights, snapshot / "model.safetensors")
    return folder, weights


@pytest.fixture
def photos(tmp_path):
    """A folder of JPEG files of several sizes in three colours."""
    for colour in ("red", "green", "blue"):
        for index in range(5):
            path = tmp_path / "photos" / colour / f"{index}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (40 + index, 36), colour).save(path)
    return tmp_path / "photos"


class TestPretrained:
    """timm's weights, from the cache of the hub."""

    def test_they_are_loaded_but_for_the_head_of_other_classes(self, on_disk):
        _, weights = on_disk
        found = build(architecture=SMALL, num_classes=3, pretrained=True).state_dict()
        assert found["head.weight"].shape[0] == 3
        same = {name for name in found if torch.equal(found[name], weights.get(name))}
        assert {name for name in found if not name.startswith("head.")} <= same

    def test_the_first_layer_is_adapted_to_grey_images(self, on_disk):
        _, weights = on_disk
        grey = build(architecture=SMALL, pretrained=True, in_channels=1).state_dict()
        name = "patch_embed.proj.weight"
        torch.testing.assert_close(grey[name], weights[name].sum(dim=1, keepdim=True))

    def test_positions_are_adapted_to_other_sizes(self, on_disk):
        model = build(architecture=SMALL, num_classes=3, pretrained=True, image_size=64)
        assert scores(model, 2, 3, 64, 64).shape == (2, 3)

    def test_offline_the_answer_is_why_there_are_none(self, tmp_path, monkeypatch):
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "empty"))
        text = "weights test_vit are not on this machine.*ZOO_OFFLINE is set.*model.pretrained"
        with pytest.raises(ZooError, match=text):
            build(architecture=SMALL, pretrained=True)

    def test_a_training_agrees_with_them_and_its_weights_need_none(self, on_disk, photos, capsys):
        """Size, channels and numbers are in the recipe and the card; using it loads nothing."""
        folder, _ = on_disk
        options = {"model.pretrained": True, "dataset.test_fraction": 0.4}
        source = f"folder:{photos}"
        run = zoo.train(f"timm/{SMALL}", source, epochs=1, batch_size=3, set=options)
        told = capsys.readouterr().err
        assert "expects its samples with channels=3, image_size=160" in told
        config = timm.get_pretrained_cfg(f"{SMALL}.{TAG}")
        dataset, model = (run.recipe["options"][part] for part in ("dataset", "model"))
        assert (dataset["image_size"], dataset["channels"]) == (160, 3)
        assert tuple(dataset["mean"]) == config.mean
        assert (model["pretrained"], model["num_classes"]) == (True, 3)

        shutil.rmtree(folder)  # whatever comes now would have to be downloaded
        assert scores(zoo.load_model(run.path), 2, 3, 160, 160).shape == (2, 3)
        (answer,) = zoo.predict(run.path, [photos / "red" / "0.jpg"])
        assert answer["class"] in ("red", "green", "blue")
        assert zoo.evaluate(run.path)["accuracy"] == run.metrics["accuracy"]
        with pytest.raises(ZooError, match=re.escape("ZOO_OFFLINE is set")):
            zoo.reproduce(run.path, progress=False)  # this one does start from them

    def test_a_stopped_training_goes_on_without_them(self, on_disk, photos):
        """Its checkpoint holds all that there is to load."""
        folder, _ = on_disk
        steps = []

        def strike(module, _inputs):
            if type(module) is timm.models.VisionTransformer and module.training:
                steps.append(module)
                if len(steps) == 5:
                    os.kill(os.getpid(), signal.SIGTERM)

        handle = register_module_forward_pre_hook(strike)
        source, options = f"folder:{photos}", {"model.pretrained": True}
        try:
            with pytest.raises(Stopped):
                zoo.train(f"timm/{SMALL}", source, epochs=2, batch_size=3, set=options, name="it")
        finally:
            handle.remove()
        shutil.rmtree(folder)
        assert zoo.resume("it", progress=False).record["state"] == "done"
