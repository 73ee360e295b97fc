"""Mean and standard deviation by which images are normalised."""

import torch

from zoo_registry import InvalidOption

# N = samples in all, C = channels, H/W = rows/columns

_STATISTICS_FROM = 4096
"""Images that mean and standard deviation are taken from, evenly spaced."""
_USUAL = {
    1: ((0.5,), (0.5,)),
    3: ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),  # ImageNet's
}
"""Mean and standard deviation by channels."""

Statistics = tuple[tuple[float, ...], tuple[float, ...]]
"""Mean and standard deviation per channel, of values scaled to 0..1."""


def photo_statistics(
    channels: int, mean: tuple[float, ...] = (), std: tuple[float, ...] = ()
) -> Statistics:
    """Return what normalises photographs: what was asked for, else the usual numbers.

    Args:
        channels: 1 for grey, 3 for RGB.
        mean: one number for each channel or for all of them; of RGB's three, grey images get the
            average; none: ImageNet's for RGB, 0.5 for grey.
        std: likewise.

    Raises:
        InvalidOption: another number of them, or a deviation that can't be divided by.
    """
    for name, values in (("mean", mean), ("std", std)):
        if len(values) not in (0, 1, 3):
            raise InvalidOption(f"{name} has {len(values)} values; give one, or three for RGB")
    if not all(value > 0 for value in std):
        raise InvalidOption(f"std is {std}; each value must be above 0")
    usual_mean, usual_std = _USUAL[channels]
    return _fitted(mean, channels) or usual_mean, _fitted(std, channels) or usual_std


def pixel_statistics(samples: torch.Tensor) -> Statistics:
    """Return those of images (N, C, H, W) in uint8; two empty tuples for any other samples."""
    if samples.dtype != torch.uint8 or samples.ndim != 4 or len(samples) == 0:
        return (), ()
    step = max(1, len(samples) // _STATISTICS_FROM)
    pixels = samples[::step].double() / 255
    std = pixels.std(dim=(0, 2, 3), unbiased=False).clamp_min(1 / 255)
    return tuple(pixels.mean(dim=(0, 2, 3)).tolist()), tuple(std.tolist())


def _fitted(values: tuple[float, ...], channels: int) -> tuple[float, ...]:
    return (sum(values) / len(values),) if len(values) > channels else values
