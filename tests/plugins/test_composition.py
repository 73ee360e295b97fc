"""Any model on any data: a dozen families learn from the same folder of photographs."""

import math

import numpy as np
import pytest
import torch
from PIL import Image

import zoo

COLOURS = ("blue", "green", "red")
FAMILIES = {
    "timm/convnext_atto": 64,
    "timm/efficientnet_lite0": 32,
    "timm/ghostnet_050": 64,
    "timm/levit_128s": 64,
    "timm/mobilenetv3_small_050": 64,
    "timm/pit_ti_224": 64,
    "timm/regnetx_002": 64,
    "timm/resnet10t": 32,
    "timm/vit_tiny_patch16_224": 32,
    "torchvision/densenet121": 32,
    "torchvision/squeezenet1_1": 64,
    "torchvision/shufflenet_v2_x0_5": 64,
}
"""Convolutions with and without shortcuts, transformers, and what is in between; image sizes."""


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """JPEG files of several shapes, in three colours under noise."""
    folder = tmp_path_factory.mktemp("photos")
    noise = np.random.default_rng(0)
    for channel, colour in enumerate(reversed(COLOURS)):
        (folder / colour).mkdir()
        for index in range(6):
            pixels = noise.integers(0, 90, (60 + 3 * index, 70, 3), np.uint8)
            pixels[..., channel] += 150
            Image.fromarray(pixels).save(folder / colour / f"{index}.jpg")
    return folder


@pytest.mark.parametrize("name", FAMILIES)
def test_it_trains_on_a_folder_and_is_used_again(name, photos):
    """Channels, classes and size agree of themselves; the stored file is all that use takes."""
    size = FAMILIES[name]
    run = zoo.train(
        name,
        f"folder:{photos}",
        epochs=1,
        batch_size=4,
        precision="fp32",  # what `evaluate` computes in; some processors train in bf16
        set={"dataset.image_size": size, "dataset.test_fraction": 0.34},
        progress=False,
    )
    fitted = run.recipe["options"]["model"]
    assert (fitted["num_classes"], fitted["in_channels"], fitted["image_size"]) == (3, 3, size)
    assert math.isfinite(run.metrics["loss"])
    assert zoo.evaluate(run.path) == pytest.approx(run.metrics, rel=1e-4)
    (answer,) = zoo.predict(run.path, [photos / "red" / "0.jpg"])
    assert answer["class"] in COLOURS
    outputs = zoo.load_model(run.path)(torch.zeros(2, 3, size, size))
    assert outputs.shape == (2, 3)


@pytest.mark.parametrize("name", ["timm/test_resnet", "torchvision/squeezenet1_1"])
def test_fixed_data_decide_what_the_model_takes(name):
    """A dataset that has one size and one channel is no reason to fail."""
    run = zoo.train(name, "digits", epochs=1, set={"batch_size": 256}, progress=False)
    assert run.recipe["options"]["model"]["in_channels"] == 1
    assert "dataset" not in run.recipe["options"]


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("timm/test_vit", {"dataset.image_size": 28}, "should be divisible by patch size"),
        ("timm/inception_v4", {"dataset.image_size": 32}, r"can't take samples of shape \(3, 32"),
        ("torchvision/vit_b_32", {"dataset.image_size": [32, 64]}, "takes square images"),
        ("torchvision/maxvit_t", {"dataset.image_size": 50}, "maxvit_t refuses its options"),
        ("timm/vgg11", {"model.drop_path_rate": 0.1}, "vgg11 refuses its options"),
    ],
)
def test_what_can_not_be_is_said_before_the_first_step(name, options, said, photos):
    """In the architecture's own words, in one line."""
    with pytest.raises(zoo.ZooError, match=said) as error:
        zoo.train(name, f"folder:{photos}", epochs=1, set=options, progress=False)
    assert "\n" not in str(error.value)
    assert zoo.list_runs() == []


@pytest.mark.parametrize("name", ["timm/test_vit", "timm/test_resnet"])
def test_a_recipe_does_the_same_again(name, photos, capsys):
    """What the model expected is in it, so nothing is asked for, or added, a second time."""
    run = zoo.train(name, f"folder:{photos}", epochs=1, batch_size=4)
    assert "expects its samples with" in capsys.readouterr().err
    again = zoo.reproduce(run.path)
    assert "expects its samples with" not in capsys.readouterr().err
    assert again.identical
    assert again.again.recipe == run.recipe
