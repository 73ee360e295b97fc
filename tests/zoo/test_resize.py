"""Images of any size become the model's: with PIL, as arithmetic and as timm does it."""

import msgspec
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

import zoo
from zoo.card import read_card
from zoo.data import InputSpec, Resize
from zoo.errors import BadSample, IncompatibleWeights, InvalidData

RESIZES = [
    Resize(),
    Resize(filter="bicubic"),
    Resize(mode="shorter", share=0.875),
    Resize(mode="shorter", filter="bicubic"),
    Resize(mode="squash", filter="bicubic", share=0.9),
]
SIZES = st.tuples(st.integers(1, 60), st.integers(1, 60))


def noise(channels, height, width):
    """An image of random bytes (C, H, W): every rounding shows in it."""
    draws = np.random.default_rng(height * 100 + width)
    return draws.integers(0, 256, (channels, height, width)).astype(np.uint8)


def as_image(pixels):
    """PIL's image of bytes (C, H, W)."""
    return Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0))


def as_bytes(image):
    """Bytes (C, H, W) of PIL's image."""
    return torch.from_numpy(np.atleast_3d(np.asarray(image)).transpose(2, 0, 1).copy())


def photo(height, width):
    """An image that changes as photographs do: smooth shapes with grain."""
    coarse = as_image(noise(3, max(2, height // 24), max(2, width // 24)))
    smooth = np.asarray(coarse.resize((width, height)), dtype=np.int64)
    grain = np.random.default_rng(0).integers(-12, 12, smooth.shape)
    return Image.fromarray((smooth + grain).clip(0, 255).astype(np.uint8))


@given(st.sampled_from(RESIZES), SIZES, SIZES, st.sampled_from([1, 3]))
def test_the_arithmetic_is_what_pil_computes(resize, own, size, channels):
    """Bit for bit, so that a graph that holds it answers as zoo does."""
    pixels = noise(channels, *own)
    expected = as_bytes(resize.image(as_image(pixels), size))
    assert torch.equal(resize.samples(torch.from_numpy(pixels)[None], size)[0], expected)


@pytest.mark.parametrize("own", [(1200, 1800), (37, 61), (640, 480)])
def test_the_usual_way_is_pils_own_fit(own):
    """But for which side PIL scales first, which differs between its releases."""
    image = photo(*own)
    found = as_bytes(Resize().image(image, (32, 32))).int()
    expected = as_bytes(ImageOps.fit(image, (32, 32), Image.Resampling.BILINEAR)).int()
    assert (found - expected).abs().max() <= 1


@pytest.mark.parametrize("share", [0.875, 0.9, 0.95, 1.0])
@pytest.mark.parametrize("name", ["bilinear", "bicubic"])
@pytest.mark.parametrize("mode", ["center", "squash"])
def test_timms_own_preparation_gives_the_same_bytes(mode, name, share):
    """To the bit for most images; in tall ones PIL may scale the other side first."""
    timm_data = pytest.importorskip("timm.data")
    resize = Resize(mode="squash" if mode == "squash" else "shorter", filter=name, share=share)
    for size in ((96, 96), (97, 97), (64, 96)):
        config = {
            "input_size": (3, *size),
            "interpolation": name,
            "crop_pct": share,
            "crop_mode": mode,
            "mean": (0.0,) * 3,
            "std": (1.0,) * 3,
        }
        asked = timm_data.resolve_data_config({}, pretrained_cfg=config)
        transform = timm_data.create_transform(**asked, is_training=False)
        for own, allowed in {(300, 420): 0, (200, 900): 0, (50, 70): 0, (900, 200): 2}.items():
            image = photo(*own)
            expected = (transform(image) * 255).round().int()
            found = as_bytes(resize.image(image, size)).int()
            assert (found - expected).abs().max() <= allowed


def test_an_image_too_thin_to_be_scaled_is_named(tmp_path):
    """Its longer side would be a hundred million pixels."""
    Image.new("L", (1, 60000)).save(tmp_path / "thin.png")
    with pytest.raises(BadSample, match=r"thin\.png can't be used: an image of 1 by 60000 pixels"):
        zoo.read_image(tmp_path / "thin.png", 1, (224, 224), Resize(mode="shorter"))
    assert zoo.read_image(tmp_path / "thin.png", 1, (224, 224)).shape == (1, 224, 224)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"shape": [3, -4, 4]}, r"no samples of shape \(3, -4, 4\)"),
        ({"shape": [3, 10**9, 10**9]}, "more than 268,435,456 values"),
        ({"shape": [0]}, "no samples of shape"),
        ({"dtype": "load"}, "not 'load'"),
        ({"mean": [0.5, 0.5]}, "mean has 2 values for 3 channels"),
        ({"std": [0.5, 0.0, 0.5]}, "each value must be above 0"),
        ({"std": [-1.0]}, "each value must be above 0"),
        ({"resize": {"mode": "shorter", "share": 0.0}}, "by shorter to 0.0 of its sides"),
        ({"resize": {"share": 0.5}}, "by cover to 0.5 of its sides"),
        ({"resize": {"filter": "hamming"}}, "Invalid enum value 'hamming'"),
    ],
)
def test_a_card_that_can_not_be_true_is_refused_in_a_line(changed, said):
    """Before anything of that size is made, or divided by that."""
    card = {
        **dict.fromkeys(("model", "plugin", "distribution", "version", "dataset", "loss"), "a"),
        **{key: {} for key in ("options", "dataset_options", "loss_options", "metrics")},
        "task": "classification",
        "input": {"shape": [3, 4, 4], "dtype": "uint8", **changed},
        "num_classes": 2,
        "classes": [],
    }
    with pytest.raises(IncompatibleWeights, match=f"a.onnx holds a card that .*{said}") as raised:
        read_card({"zoo": msgspec.json.encode(card).decode()}, "a.onnx")
    assert len(str(raised.value).splitlines()) == 1


def test_a_spec_is_checked_where_it_is_built():
    """Whoever builds it; not only where a file is read."""
    with pytest.raises(InvalidData, match="each value must be finite"):
        InputSpec(shape=(3, 4, 4), dtype="uint8", mean=(float("inf"),))
