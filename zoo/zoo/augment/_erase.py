"""Random erasing (Zhong et al., 2017, arXiv 1708.04896): a box of some images is blanked."""

import torch

from ._geometry import inside
from ._quantiles import log_uniform
from ._random import Draws, Use

# B = batch, C = channels, H/W = rows/columns, T = tries

_AREA = (0.02, 0.33)
"""Share of the image's area, uniform."""
_RATIOS = log_uniform(0.3, 3.3)
"""Height by width."""
_TRIES = 10
"""Boxes that are drawn until one fits into the image; after that it is left as it is."""


def erased(samples: torch.Tensor, draws: Draws, probability: float) -> torch.Tensor:
    """Set a box of some images to 0, which is the mean of what was normalised.

    Args:
        samples: (B, C, H, W), normalised floats.
        draws: of these samples.
        probability: of an image to lose a box.

    Returns:
        (B, C, H, W), a copy.
    """
    size = samples.shape[2:]
    heights, widths = _sizes(draws.tries(_TRIES), size)
    fits = (heights < size[0]) & (widths < size[1])
    first = fits.to(torch.uint8).argmax(0, keepdim=True)  # of equal ones the first
    chosen = fits.any(0) & (draws.uniform(Use.ERASE) < probability)
    height, width = (side.gather(0, first)[0] * chosen for side in (heights, widths))
    top = draws.below(Use.ERASE_ROW, size[0] - height + 1)
    left = draws.below(Use.ERASE_COLUMN, size[1] - width + 1)
    box = inside(size, top, top + height, left, left + width)
    return samples.clone().masked_fill_(box, 0)  # out of place it would have the box's layout


def _sizes(tries: Draws, size: torch.Size) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw heights and widths: int64 (T, B)."""
    low, high = (share * size.numel() for share in _AREA)
    area = tries.uniform(Use.ERASE_AREA) * (high - low) + low
    ratio = _RATIOS.at(tries.bits(Use.ERASE_RATIO))
    return (area * ratio).sqrt().round().long(), (area / ratio).sqrt().round().long()
