"""torchvision's architectures: built for the data at hand, from fresh or from its own weights."""

import shutil
from pathlib import Path

import pytest
import torch
import torchvision
from PIL import Image
from torchvision.models import VisionTransformer, get_model, get_model_weights

import zoo
from zoo_registry import InvalidOption, ZooError
from zoo_torchvision._weights import load_fitted, shared_out
from zoo_torchvision.expects import expects
from zoo_torchvision.models import build, plain

FAMILIES = {
    "alexnet": 224,
    "convnext_tiny": 64,
    "densenet121": 64,
    "efficientnet_b0": 64,
    "efficientnet_v2_s": 64,
    "googlenet": 64,
    "inception_v3": 299,
    "maxvit_t": 224,
    "mnasnet0_5": 64,
    "mobilenet_v2": 64,
    "mobilenet_v3_small": 64,
    "resnet18": 64,
    "resnext50_32x4d": 64,
    "shufflenet_v2_x0_5": 64,
    "squeezenet1_1": 64,
    "swin_t": 64,
    "swin_v2_t": 64,
    "vgg11_bn": 64,
    "vit_b_32": 64,
    "wide_resnet50_2": 64,
}
SMALL = "squeezenet1_1"


@pytest.mark.parametrize("architecture", FAMILIES)
@pytest.mark.parametrize("channels", [1, 3])
def test_it_takes_the_images_and_tells_the_classes(architecture, channels):
    """In training, too, one tensor comes out. Computed without numbers: shapes are what counts."""
    size = FAMILIES[architecture]
    with torch.device("meta"):
        model = build(
            architecture=architecture, num_classes=7, in_channels=channels, image_size=size
        )
        images = torch.empty(2, channels, size, size)
    assert model.train()(images).shape == (2, 7)


@pytest.mark.parametrize("architecture", ["googlenet", "maxvit_t", "squeezenet1_1", "vit_b_32"])
def test_torchvision_alone_builds_the_same(architecture):
    """By the call that cards show; there is none for channels that it has no word for."""
    options = {"architecture": architecture, "num_classes": 7, "image_size": FAMILIES[architecture]}
    with torch.device("meta"):
        ours = build(**options)
        theirs = eval(plain(**options), {"torchvision": torchvision})
    assert str(theirs) == str(ours)
    assert plain(**options, in_channels=1) == ""


def test_regnets_draw_their_weights_by_numbers_and_fit_as_well():
    """They can't be built without memory."""
    model = build(architecture="regnet_x_400mf", num_classes=7, in_channels=1)
    assert model(torch.rand(2, 1, 32, 32)).shape == (2, 7)


@pytest.mark.parametrize(
    ("architecture", "options", "said"),
    [
        ("resnet18", {"dropout": 0.1}, "resnet18 refuses its options.*dropout"),
        ("vit_b_32", {"image_size": (32, 64)}, "takes square images, not 32x64"),
        ("maxvit_t", {"image_size": 50}, "maxvit_t refuses its options.*divisible"),
        ("resnet18", {"weights": "IMAGENET1K_SWAG_E2E_V1"}, "it has: IMAGENET1K_V1"),
    ],
)
def test_what_it_can_not_be_is_said(architecture, options, said):
    """In torchvision's own words, in one line."""
    with pytest.raises(InvalidOption, match=said):
        build(architecture=architecture, **options)


def test_what_is_expected_is_what_the_weights_were_trained_on():
    """Size, channels and normalisation; without weights only what is made for one size asks."""
    made_with = get_model_weights("vit_b_16")["IMAGENET1K_SWAG_E2E_V1"].transforms()
    assert expects("vit_b_16", weights="IMAGENET1K_SWAG_E2E_V1") == {
        "image_size": 384,
        "channels": 3,
        "mean": tuple(made_with.mean),
        "std": tuple(made_with.std),
    }
    assert expects("resnet18") == {}
    assert expects("vit_b_16") == {"image_size": 224}
    wish = {"image_size": 64, "in_channels": 1, "num_classes": 3}
    found = expects("resnet18", weights="DEFAULT", **wish)
    assert (found["image_size"], found["channels"]) == (64, 1)


@pytest.mark.parametrize("channels", [1, 3, 6])
def test_filters_that_are_shared_out_see_a_grey_image_as_before(channels):
    """The same value in each channel gives the same answer."""
    filters = torch.randn(5, 3, 2, 2)
    adapted = shared_out(filters, channels)
    assert adapted.shape == (5, channels, 2, 2)
    torch.testing.assert_close(adapted.sum(1), filters.sum(1))


class TestFitting:
    """Weights for other images and classes."""

    def small(self, **options):
        sizes = {"num_layers": 1, "num_heads": 2, "hidden_dim": 8, "mlp_dim": 8, "patch_size": 8}
        return VisionTransformer(**{"image_size": 32, "num_classes": 10, **sizes, **options})

    def test_positions_are_interpolated(self):
        source = self.small()
        larger = self.small(image_size=64, num_classes=3)
        torch.nn.init.normal_(larger.heads.head.weight)
        head = larger.heads.head.weight.clone()
        load_fitted(larger, source.state_dict(), 10)
        assert torch.equal(larger.conv_proj.weight, source.conv_proj.weight)
        assert torch.equal(larger.class_token, source.class_token)
        assert torch.equal(larger.heads.head.weight, head)

    def test_what_does_not_go_together_is_refused(self):
        with pytest.raises(InvalidOption, match="don't go together"):
            load_fitted(self.small(), self.small(mlp_dim=16).state_dict(), 10)


@pytest.fixture
def on_disk(tmp_path, monkeypatch):
    """Put weights of an architecture into torch's cache; returns what puts them there."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))

    def put(architecture, **options):
        torch.manual_seed(11)
        model = get_model(architecture, **options).eval()
        url = get_model_weights(architecture)["IMAGENET1K_V1"].url
        path = Path(torch.hub.get_dir(), "checkpoints", url.rpartition("/")[2])
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(model.state_dict(), path)
        return model

    return put


class TestWeights:
    """Torchvision's weights, from the cache of torch."""

    def test_they_are_loaded_but_for_the_head_of_other_classes(self, on_disk):
        theirs = on_disk(SMALL).state_dict()
        ours = build(architecture=SMALL, num_classes=3, weights="IMAGENET1K_V1").state_dict()
        same = {name for name in ours if torch.equal(ours[name], theirs[name])}
        assert set(ours) - same == {"classifier.1.weight", "classifier.1.bias"}

    def test_the_first_layer_is_adapted_to_grey_images(self, on_disk):
        theirs = on_disk(SMALL).state_dict()["features.0.weight"]
        grey = build(architecture=SMALL, in_channels=1, weights="IMAGENET1K_V1").state_dict()
        torch.testing.assert_close(grey["features.0.weight"], theirs.sum(1, keepdim=True))

    @pytest.mark.parametrize(("architecture", "size"), [("googlenet", 64), ("densenet121", 32)])
    def test_they_answer_as_torchvisions_own_model_does(self, architecture, size, on_disk):
        """Auxiliary heads and old names of layers notwithstanding."""
        more = {"aux_logits": True, "init_weights": False} if architecture == "googlenet" else {}
        on_disk(architecture, **more)
        theirs = get_model(architecture, weights="IMAGENET1K_V1").eval()
        ours = build(architecture=architecture, weights="IMAGENET1K_V1").eval()
        images = torch.rand(2, 3, size, size)
        with torch.no_grad():
            torch.testing.assert_close(ours(images), theirs(images))

    def test_offline_the_answer_is_why_there_are_none(self, tmp_path, monkeypatch):
        monkeypatch.setenv("TORCH_HOME", str(tmp_path / "empty"))
        text = f"IMAGENET1K_V1 of {SMALL} are not on this machine.*ZOO_OFFLINE.*model.weights"
        with pytest.raises(ZooError, match=text):
            build(architecture=SMALL, weights="IMAGENET1K_V1")

    def test_a_training_agrees_with_them_and_its_weights_need_none(self, on_disk, tmp_path, capsys):
        """Size, channels and numbers are in the recipe; using what comes out loads nothing."""
        on_disk(SMALL)
        photos = tmp_path / "photos"
        for colour in ("red", "green"):
            (photos / colour).mkdir(parents=True)
            for index in range(4):
                Image.new("RGB", (40, 36 + index), colour).save(photos / colour / f"{index}.jpg")
        options = {"model.weights": "DEFAULT", "batch_size": 2}
        run = zoo.train(f"torchvision/{SMALL}", f"folder:{photos}", epochs=1, set=options)
        assert "expects its samples with channels=3, image_size=224" in capsys.readouterr().err
        assert run.recipe["options"]["dataset"]["image_size"] == 224
        shutil.rmtree(tmp_path / "torch")
        assert zoo.load_model(run.path)(torch.zeros(1, 3, 224, 224)).shape == (1, 2)
        assert zoo.evaluate(run.path)["accuracy"] == run.metrics["accuracy"]
