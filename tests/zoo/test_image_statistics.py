"""Mean and standard deviation by which images are normalised: asked for, usual, or measured."""

import numpy as np
import pytest
import torch

from zoo.data import photo_statistics, pixel_statistics
from zoo_registry import InvalidOption

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def test_the_usual_ones_are_imagenets_or_a_half():
    """Where nobody asks for others."""
    assert photo_statistics(3) == IMAGENET
    assert photo_statistics(1) == ((0.5,), (0.5,))


@pytest.mark.parametrize(
    ("channels", "asked", "used"),
    [
        (3, (0.1, 0.2, 0.3), (0.1, 0.2, 0.3)),
        (3, (0.5,), (0.5,)),
        (1, (0.5,), (0.5,)),
        (1, (0.1, 0.2, 0.3), (0.2,)),
    ],
)
def test_what_is_asked_for_is_fitted_to_the_channels(channels, asked, used):
    """Grey images get the average of three numbers."""
    mean, std = photo_statistics(channels, asked, asked)
    assert mean == pytest.approx(used)
    assert std == pytest.approx(used)


def test_one_of_both_may_be_asked_for():
    """The other is the usual one."""
    assert photo_statistics(3, mean=(0.5,)) == ((0.5,), IMAGENET[1])


@pytest.mark.parametrize(
    ("mean", "std", "said"),
    [
        ((0.5, 0.5), (), "mean has 2 values"),
        ((), (0.1,) * 4, "std has 4 values"),
        ((), (0.5, 0.0, 0.5), "each value must be above 0"),
        ((), (float("nan"),), "each value must be above 0"),
    ],
)
def test_what_can_not_normalise_is_refused(mean, std, said):
    """Before anything is divided by it."""
    with pytest.raises(InvalidOption, match=said):
        photo_statistics(3, mean, std)


def test_those_of_pixels_are_numpys():
    """Per channel, of values scaled to 0..1; a flat image has the least deviation there is."""
    pixels = np.random.default_rng(0).integers(0, 256, (50, 3, 4, 5), np.uint8)
    pixels[:, 2] = 7
    mean, std = pixel_statistics(torch.from_numpy(pixels))
    assert mean == pytest.approx((pixels / 255).mean(axis=(0, 2, 3)))
    assert std[:2] == pytest.approx((pixels / 255).std(axis=(0, 2, 3))[:2])
    assert std[2] == 1 / 255
    assert pixel_statistics(torch.rand(5, 3, 4, 4)) == ((), ())
