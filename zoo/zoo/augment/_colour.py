"""Colour jitter: brightness, contrast and saturation, each by a factor of its own.

Only products, sums of two and whole numbers: kernels that fuse them, or sum many floats, may round
by a value's place in the batch, and a sample's colours must not depend on it.
"""

from collections.abc import Mapping

import torch

# B = batch, C = channels, H/W = rows/columns

_GREY = (0.2989, 0.587, 0.114)
"""Shares of red, green and blue (ITU-R BT.601), as torchvision has them."""
_STEPS = 1 << 16
"""What greys are rounded to before they are summed, of their range."""


def jittered(samples: torch.Tensor, factors: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Change the colours of each image as torchvision's `ColorJitter` does, in a fixed order.

    Args:
        samples: (B, C, H, W); uint8, or floats in 0..1; C = 3, or 1 without saturation.
        factors: float32 (B,) by `brightness`, `contrast` and `saturation`, applied in this order;
            1 changes nothing. Missing ones are not applied.

    Returns:
        (B, C, H, W) of the same dtype; bytes are rounded once, at the end.
    """
    floats = samples.is_floating_point()
    top = 1.0 if floats else 255.0
    wide = torch.float64 if samples.dtype == torch.float64 else torch.float32
    values = samples.to(wide, copy=True)
    factors = {name: factor[:, None, None, None] for name, factor in factors.items()}
    if "brightness" in factors:
        values.mul_(factors["brightness"]).clamp_(0, top)
    if "contrast" in factors:
        _blend(values, _mean(_grey(values), top), factors["contrast"], top)
    if "saturation" in factors:
        _blend(values, _grey(values), factors["saturation"], top)
    if not floats:
        values.add_(0.5)  # the cast to bytes cuts off
    return values.to(samples.dtype)


def _blend(values: torch.Tensor, other: torch.Tensor, factor: torch.Tensor, top: float) -> None:
    """Set `values` to `values * factor + other * (1 - factor)`, within 0 and `top`."""
    rest = other * (1 - factor)
    values.mul_(factor).add_(rest).clamp_(0, top)


def _grey(values: torch.Tensor) -> torch.Tensor:
    """Weigh the channels: (B, C, H, W) -> (B, 1, H, W)."""
    if values.shape[1] == 1:
        return values
    red, green, blue = (values[:, i : i + 1] * share for i, share in enumerate(_GREY))
    return red.add_(green).add_(blue)


def _mean(grey: torch.Tensor, top: float) -> torch.Tensor:
    """Average each image: (B, 1, H, W) -> (B, 1, 1, 1). Whole numbers add up in any order."""
    steps = (grey * (_STEPS / top)).round_().sum((1, 2, 3), keepdim=True, dtype=torch.int64)
    return steps.to(grey.dtype) * (top / (_STEPS * grey.shape[1:].numel()))
