"""Mixup (Zhang et al., 2017, arXiv 1710.09412) and cutmix (Yun et al., 2019, arXiv 1905.04899)."""

import torch

from ._checks import require_floats
from ._geometry import inside
from ._parts import by_parts
from ._quantiles import Quantiles
from ._random import Draws, Use

# B = batch, C = channels, H/W = rows/columns, K = classes

Pair = tuple[torch.Tensor, torch.Tensor]


def soft(labels: torch.Tensor, num_classes: int, dtype: torch.dtype) -> torch.Tensor:
    """Turn class numbers into probabilities: whole numbers (B,) -> `dtype` (B, K), one 1 a row."""
    classes = torch.arange(num_classes, device=labels.device)
    return (labels[:, None] == classes).to(dtype)


def mixed(
    own: Pair, partners: Pair, draws: Draws, mixup: Quantiles | None, cutmix: Quantiles | None
) -> Pair:
    """Mix each sample with its partner, and its target by as much.

    Args:
        own: floats (B, …), (B, C, H, W) for cutmix, and targets (B, K), floats.
        partners: as `own`.
        draws: of these samples.
        mixup: the share that a sample keeps of its values; None: no mixup.
        cutmix: the share that a sample keeps of its area; None: no cutmix. Where there are both,
            each sample draws one of the two.

    Returns:
        As `own`.

    Raises:
        InvalidOption: samples of whole numbers, which mixup can't average.
    """
    samples, targets = own
    kept = torch.ones(len(samples), dtype=torch.float32, device=samples.device)
    boxed = _boxed(draws, mixup, cutmix)
    if mixup is not None:
        require_floats(samples)
        kept = mixup.at(draws.bits(Use.MIXUP)).masked_fill(boxed, 1)
        samples = by_parts(_blended, samples, partners[0], kept)
    if cutmix is not None:
        side = (1 - cutmix.at(draws.bits(Use.CUTMIX))).sqrt() * boxed
        samples, uncovered = _pasted(samples, partners[0], draws, side)
        kept = kept * uncovered
    return samples, _blended(targets, partners[1], kept)


def _boxed(draws: Draws, mixup: Quantiles | None, cutmix: Quantiles | None) -> torch.Tensor:
    """Tell which samples are cut rather than blended: bool (B,)."""
    if mixup is not None and cutmix is not None:
        return draws.uniform(Use.MIX_KIND) < 0.5
    return torch.full_like(draws.states, cutmix is not None, dtype=torch.bool)


def _blended(own: torch.Tensor, other: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
    """Average `own` and `other` (B, …), of which `kept` (B,) and the rest are the shares."""
    dims = (-1, *[1] * (own.ndim - 1))
    share, rest = (part.to(own.dtype).view(dims) for part in (kept, 1 - kept))
    # Not torch.lerp: a fused kernel may round by a value's place in the batch.
    return (own * share).add_(other * rest)


def _pasted(own: torch.Tensor, other: torch.Tensor, draws: Draws, side: torch.Tensor) -> Pair:
    """Paste a box of `other` into `own` (B, C, H, W), about a point drawn anywhere.

    Args:
        own: what is pasted into.
        other: what is pasted.
        draws: of these samples.
        side: float32 (B,), the box's sides as a share of the image's; what lies beyond the image
            is cut off. Sides of less than two pixels paste nothing.

    Returns:
        The images, and the share of each that is still its own: float32 (B,).
    """
    size = own.shape[2:]
    (top, bottom), (left, right) = (
        _span(draws.below(use, length), side, length)
        for use, length in zip((Use.BOX_ROW, Use.BOX_COLUMN), size, strict=True)
    )
    covered = ((bottom - top) * (right - left)).to(torch.float32) / size.numel()
    return by_parts(_replaced, own, other, top, bottom, left, right), 1 - covered


def _replaced(own: torch.Tensor, other: torch.Tensor, *box: torch.Tensor) -> torch.Tensor:
    # `out`, for the layout of the result would be that of the boxes.
    return torch.where(inside(own.shape[2:], *box), other, own, out=torch.empty_like(own))


def _span(centre: torch.Tensor, side: torch.Tensor, length: int) -> Pair:
    """Return where a box begins and ends along a side of the image: int64 (B,) each."""
    half = (side * length * 0.5).long()
    return (centre - half).clamp_min(0), (centre + half).clamp_max(length)
