"""Whitening of small image patches: filters whose outputs are uncorrelated, of one variance.

Neighbouring pixels and colours are nearly the same, so that a network's first filters see ten
thousand times more of the brightness of a patch than of its finest colours. Filters along the
eigenvectors of the patches' covariance, each divided by the root of its eigenvalue, undo that
before training starts: David Page, "How to Train Your ResNet 8: Bag of Tricks", 2019.
"""

from typing import NamedTuple

import torch

from zoo_registry import InvalidOption

# B = batch, C = channels, H/W = rows/columns, D = numbers in a patch, which has 2x2 pixels

PATCH = 2
"""Rows and columns of a patch."""
_UNIT = 1e-4
"""Of the numbers in `_COLOUR`: an entry of 2842 is 0.2842."""

# The patches of CIFAR-10's 50,000 training images, normalised by the mean and the standard
# deviation of each channel: eigenvalue, then eigenvector, for red, green and blue the two pixels
# of the upper row and those of the lower. First comes brightness, then blue against red, then
# edges, last a chequerboard of green.
#
# They were measured on JPEG copies (quality 75, colours at half the resolution), the only ones at
# hand. JPEG leaves the eigenvectors as they are, but takes much of the finest contrasts. So each
# eigenvalue was multiplied by what JPEG took from the variance along its eigenvector in the first
# 20 test images, which the package foolbox 3.3.4 has without loss: by 0.97 to 1.09 for the first
# six, by 2.7 to 10.6 for the others. That is 12 numbers from test images, which no label and no
# accuracy had a part in; whoever wants none of it has to measure the training images without loss.
_COLOUR = (
    (10.1, (2842, 2842, 2826, 2824, 2985, 2984, 2961, 2959, 2865, 2864, 2841, 2839)),
    (0.832, (-3470, -3471, -3528, -3529, -49, -51, -130, -131, 3619, 3617, 3522, 3521)),
    (0.394, (-3051, -2963, 2811, 2900, -2940, -2852, 3016, 3105, -2760, -2679, 2723, 2806)),
    (0.331, (-2888, 2974, -2974, 2886, -2935, 3029, -3022, 2937, -2703, 2785, -2784, 2701)),
    (0.176, (-2117, -2123, -2224, -2228, 4072, 4068, 3969, 3966, -1976, -1980, -2081, -2083)),
    (0.0559, (-2931, 2929, 2926, -2927, -2969, 2969, 2976, -2975, -2755, 2754, 2756, -2756)),
    (0.0190, (-3656, -3642, 3659, 3677, 491, 495, -501, -497, 3370, 3349, -3372, -3396)),
    (0.0162, (3597, -3621, 3622, -3598, -379, 390, -391, 378, -3436, 3448, -3440, 3430)),
    (0.00544, (-1752, -1728, 1720, 1747, 4005, 3968, -3963, -4003, -2478, -2465, 2464, 2477)),
    (0.00449, (1833, -1843, 1846, -1835, -3979, 4015, -4013, 3977, 2361, -2389, 2394, -2365)),
    (0.00210, (3214, -3213, -3218, 3216, 366, -367, -364, 365, -3811, 3809, 3813, -3812)),
    (0.000659, (-2469, 2468, 2467, -2465, 4005, -4003, -4005, 4003, -1698, 1697, 1698, -1698)),
)
# The same of the mean of the three channels. Its eigenvectors are, within 2%, the four patterns.
_GREY = (
    (3.35, (5000, 5000, 5000, 5000)),
    (0.131, (5000, 5000, -5000, -5000)),
    (0.110, (5000, -5000, 5000, -5000)),
    (0.0186, (5000, -5000, -5000, 5000)),
)


class PatchStatistics(NamedTuple):
    """The eigen-decomposition of the patches' covariance, largest eigenvalue first."""

    eigenvalues: torch.Tensor
    """(D,), the variance along each eigenvector."""
    eigenvectors: torch.Tensor
    """(D, C, 2, 2), orthonormal."""


def cifar10_statistics(in_channels: int) -> PatchStatistics:
    """Return those of CIFAR-10's training images, normalised, float32.

    The eigenvectors are measured on the training images alone; the eigenvalues on JPEG copies of
    them, and corrected for what JPEG takes by the first 20 test images, without their labels.

    Args:
        in_channels: 3 for the images as they are, 1 for the mean of their channels.

    Raises:
        InvalidOption: any other number of channels.
    """
    tables = {1: _GREY, 3: _COLOUR}
    if in_channels not in tables:
        raise InvalidOption(
            f"cifar10-speed knows how to whiten images of 1 and of 3 channels, not {in_channels}; "
            "resnet18 takes any number"
        )
    values, vectors = zip(*tables[in_channels], strict=True)
    shape = (len(values), in_channels, PATCH, PATCH)
    return PatchStatistics(torch.tensor(values), _UNIT * torch.tensor(vectors).view(shape))


def whitening_filters(statistics: PatchStatistics, eps: float = 5e-4) -> torch.Tensor:
    """Return the filters (2 D, C, 2, 2): first each eigenvector, scaled, then their negatives.

    With both signs an activation that cuts off negative values loses nothing.

    Args:
        statistics: of the patches.
        eps: added to each eigenvalue, so that what hardly varies is not all noise.
    """
    scale = (statistics.eigenvalues + eps).rsqrt()
    filters = statistics.eigenvectors * scale[:, None, None, None]
    return torch.cat([filters, -filters])
