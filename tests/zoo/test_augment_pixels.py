"""Crops, flips, colours and erased boxes, against one image at a time."""

import math

import pytest
import torch
from torchvision.transforms.v2 import functional as vision

from zoo.augment import Augment
from zoo.augment._random import Use, draws
from zoo.errors import InvalidOption


def images(count, size=(9, 7), channels=3, seed=0):
    """Bytes at random: (B, C, H, W)."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, channels, *size), dtype=torch.uint8, generator=generator)


def indices(count):
    return torch.arange(count) * 3 + 1


def numbered(count, size):
    """Images whose pixels all differ and are not 0, so that each tells where it came from."""
    return (torch.arange(math.prod(size)) + 1).view(1, 1, *size).repeat(count, 1, 1, 1)


@pytest.mark.parametrize("padding", [1, 3, 6])
def test_a_crop_is_what_padding_and_cutting_give(padding):
    """Per image with torchvision, at the place that was drawn; flipped before."""
    given = images(40)
    found = Augment(crop=padding, flip=True).raw(given, indices(40), 3, 2)
    numbers = draws(indices(40), 3, 2)
    rows = numbers.below(Use.CROP_ROW, 2 * padding + 1).tolist()
    columns = numbers.below(Use.CROP_COLUMN, 2 * padding + 1).tolist()
    flips = numbers.below(Use.FLIP, 2).tolist()
    for place, image in enumerate(given):
        expected = vision.horizontal_flip(image) if flips[place] else image
        expected = vision.crop(vision.pad(expected, [padding]), rows[place], columns[place], 9, 7)
        assert torch.equal(found[place], expected)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.float16, torch.float64])
def test_pixels_of_any_kind_are_moved_as_they_are(dtype):
    """The dtype stays, and so do the values."""
    given = numbered(30, (5, 6)).to(dtype)
    found = Augment(crop=2, flip=True).raw(given, indices(30), 0, 0)
    assert found.dtype == dtype
    assert set(found.flatten().tolist()) <= set(given.flatten().tolist()) | {0}


def test_a_layout_other_than_rows_by_channel_is_moved_alike():
    """Channels last, or a view of something larger."""
    given = images(20, (8, 8))
    plain = Augment(crop=2, flip=True).raw(given, indices(20), 0, 0)
    last = given.contiguous(memory_format=torch.channels_last)
    part = torch.cat([given, given], 1)[:, :3]
    for other in (last, part):
        assert torch.equal(Augment(crop=2, flip=True).raw(other, indices(20), 0, 0), plain)


def test_every_crop_is_as_likely_as_any_other():
    """25 places for 2 pixels on each side, the image's own among them; half are flipped."""
    count = 20_000
    given = numbered(1, (6, 6)).expand(count, -1, -1, -1)
    found = Augment(crop=2, flip=True).raw(given, torch.arange(count), 0, 0)
    kinds, counts = found.flatten(1).unique(dim=0, return_counts=True)
    assert len(kinds) == 50
    expected = count / 50
    assert ((counts - expected).abs() < 5 * math.sqrt(expected)).all()


def test_flips_are_drawn_anew_each_epoch():
    """A quarter of the images is flipped in two given epochs, half in each."""
    count = 10_000
    given = numbered(1, (1, 2)).expand(count, -1, -1, -1)
    flipped = [
        Augment(flip=True).raw(given, torch.arange(count), 0, epoch)[:, 0, 0, 0] == 2
        for epoch in (1, 2)
    ]
    noise = 5 * 0.5 / math.sqrt(count)
    assert all(abs(each.double().mean().item() - 0.5) < noise for each in flipped)
    assert abs((flipped[0] & flipped[1]).double().mean().item() - 0.25) < noise


def test_alternating_flips_turn_each_image_every_other_epoch():
    """Whatever the first state, which is drawn per image: both are seen in any two epochs."""
    count = 2_000
    given = numbered(1, (1, 2)).expand(count, -1, -1, -1)
    augment = Augment(flip="alternating")
    epochs = [augment.raw(given, torch.arange(count), 9, epoch) for epoch in range(4)]
    assert torch.equal(epochs[0], epochs[1].flip(-1))
    assert torch.equal(epochs[0], epochs[2])
    assert torch.equal(epochs[1], epochs[3])
    assert 0.4 < (epochs[0][:, 0, 0, 0] == 2).double().mean() < 0.6


REFERENCES = {
    "brightness": vision.adjust_brightness,
    "contrast": vision.adjust_contrast,
    "saturation": vision.adjust_saturation,
}


def factors(name, strength, count, seed, epoch):
    """The factors as the documentation has them: uniform, from max(0, 1-s) to 1+s."""
    low = max(0.0, 1 - strength)
    drawn = draws(indices(count), seed, epoch).uniform(Use[name.upper()])
    return (low + (1 + strength - low) * drawn.double()).tolist()


@pytest.mark.parametrize("strength", [0.3, 1.7])
@pytest.mark.parametrize("names", [*((name,) for name in REFERENCES), tuple(REFERENCES)], ids=str)
def test_colours_change_as_torchvision_changes_them(names, strength):
    """Floats to the sixth digit; bytes as the floats, rounded once."""
    floats = images(24).double() / 255
    augment = Augment(**dict.fromkeys(names, strength))
    expected = []
    for place, image in enumerate(floats):
        for name in names:
            factor = factors(name, strength, 24, 1, 5)[place]
            image = REFERENCES[name](image, factor)  # noqa: PLW2901
        expected.append(image)
    found = augment.raw(floats, indices(24), 1, 5)
    torch.testing.assert_close(found, torch.stack(expected), atol=2e-5, rtol=0)
    of_bytes = augment.raw(images(24), indices(24), 1, 5).double() / 255
    assert (of_bytes - torch.stack(expected)).abs().max() <= 0.51 / 255
    assert not torch.equal(of_bytes, floats)


def test_the_factors_fill_their_range():
    """Brightness 0.5 multiplies by 0.5 to 1.5; brightness 2 by 0 to 3."""
    for strength, low, high in ((0.5, 0.5, 1.5), (2.0, 0.0, 3.0)):
        grey = torch.full((5000, 1, 1, 1), 0.25, dtype=torch.float64)
        found = Augment(brightness=strength).raw(grey, indices(5000), 0, 0) / 0.25
        assert low <= found.min() < low + 0.01
        assert high - 0.01 < found.max() <= high


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float16, torch.bfloat16, torch.float32])
def test_colours_keep_their_dtype_and_their_range(dtype):
    """However strong the change; the samples given are not written into."""
    given = images(50).to(dtype) if dtype == torch.uint8 else (images(50) / 255).to(dtype)
    before = given.clone()
    found = Augment(brightness=3, contrast=3, saturation=3).raw(given, indices(50), 0, 0)
    assert found.dtype == dtype
    assert 0 <= found.min() <= found.max() <= (255 if dtype == torch.uint8 else 1)
    assert torch.equal(given, before)


def test_grey_images_have_brightness_and_contrast():
    """One channel is its own grey."""
    given = images(9, channels=1).double() / 255
    found = Augment(contrast=0.8).raw(given, indices(9), 0, 0)
    for place, factor in enumerate(factors("contrast", 0.8, 9, 0, 0)):
        expected = (given[place] * factor + given[place].mean() * (1 - factor)).clamp(0, 1)
        torch.testing.assert_close(found[place], expected, atol=2e-5, rtol=0)


def test_whole_numbers_are_no_colours():
    """Nobody knows their range."""
    with pytest.raises(InvalidOption, match="colours of int64 samples; they must be uint8, or"):
        Augment(brightness=0.1).raw(numbered(2, (3, 3)), indices(2), 0, 0)


def holes(size, probability, count=4000):
    """What is erased of as many images of ones: bool (B, H, W)."""
    ones = torch.ones(count, 2, *size)
    found = Augment(erase=probability).erased(ones, torch.arange(count), 0, 0)
    gone = found == 0
    assert torch.equal(gone[:, 0], gone[:, 1]), "all channels of a pixel go"
    assert ((found == 0) | (found == 1)).all()
    return gone[:, 0]


def sides(gone):
    """Heights and widths of the boxes, of the images that have one."""
    gone = gone[gone.any(2).any(1)]
    high, wide = gone.any(2), gone.any(1)
    assert torch.equal(gone, high[:, :, None] & wide[:, None, :]), "a box, not a cloud"
    for along in (high, wide):
        steps = along.int().diff(dim=1, prepend=torch.zeros(len(along), 1, dtype=torch.int))
        assert ((steps == 1).sum(1) == 1).all(), "in one piece"
    return high.sum(1).double(), wide.sum(1).double()


@pytest.mark.parametrize("size", [(32, 32), (40, 60)])
def test_boxes_are_erased_as_published(size):
    """2% to 33% of the area, sides 0.3 to 3.3, uniform area, ratios even around 1."""
    height, width = sides(holes(size, 1.0))
    assert len(height) > 3990
    share = height * width / math.prod(size)
    assert share.min() > 0.02 * 0.8
    assert share.max() < 0.33 * 1.05
    assert share.mean() == pytest.approx((0.02 + 0.33) / 2, abs=0.01)
    ratio = height / width
    assert ratio.min() > 0.3 * 0.8
    assert ratio.max() < 3.3 * 1.25
    assert (ratio.log() > 0).double().mean() == pytest.approx(0.5, abs=0.05)


def test_boxes_lie_anywhere():
    """Every pixel is erased of some image, corners included, the centre most often."""
    often = holes((16, 16), 1.0).double().mean(0)
    assert often.min() > 0.01
    assert often[8, 8] > 3 * often[0, 0]
    assert torch.allclose(often, often.flip(0), atol=0.06)
    assert torch.allclose(often, often.flip(1), atol=0.06)


@pytest.mark.parametrize("probability", [0.1, 0.5])
def test_as_many_images_are_erased_as_asked_for(probability):
    """The others are as they were."""
    share = holes((24, 24), probability).any(2).any(1).double().mean().item()
    assert abs(share - probability) < 5 * math.sqrt(probability * (1 - probability) / 4000)


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (2, 3)])
def test_images_too_small_for_a_box_are_left(size):
    """Nothing fits, or nothing is left of it: no error, and never the whole image."""
    assert not holes(size, 1.0, count=200).all(2).all(1).any()


def test_channels_last_stays_channels_last():
    """What was laid out for convolutions is not turned back."""
    given = torch.rand(8, 3, 6, 6).contiguous(memory_format=torch.channels_last)
    found = Augment(erase=1.0).erased(given, indices(8), 0, 0)
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert (found == 0).any()
    assert not (given == 0).any(), "the samples given are not written into"
