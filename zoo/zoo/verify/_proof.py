"""One promise, and how far from it a machine was found."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .. import metrics

EXACT = 0.0
"""The tolerance of what must be the same to the bit."""
ROUNDING = 1e-3
"""Of gradients in float32, as `gap` compares them. Sums in another order, of numbers that are each
rounded to 1e-7, come out up to 1e-5 apart, with many batch norms 1e-4. Means of parts that were
averaged, rather than weighed by their sizes, are 1e-2 and more off."""
_FLOOR = 0.01
"""Of the largest gradient: what smaller ones are compared with. The gradient of a bias before a
batch norm is 0 but for roundings, which were found to be 1e-6 of the largest."""
METRICS = 1e-6
"""Of metrics: losses are summed in another order; counts are the same."""


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What was compared, and what came out."""

    name: str
    tolerance: float
    """The largest relative difference that passes."""
    difference: float | None
    """The largest found; None where it could not be tried."""
    setting: str
    """What not to use with this model on this machine, should it fail."""
    skipped: str = ""
    """Why it could not be tried."""

    @property
    def holds(self) -> bool:
        """Whether it held, or could not be tried."""
        return self.difference is None or self.difference <= self.tolerance

    @property
    def verdict(self) -> str:
        """`ok`, `FAILED`, or why it was skipped."""
        if self.difference is None:
            return f"skipped: {self.skipped}"
        return "ok" if self.holds else "FAILED"


def gap(found: Sequence[Tensor], expected: Sequence[Tensor]) -> float:
    """Return the largest difference of a tensor, relative to the largest expected value in it.

    Tensors whose values are all below 1 % of the largest in any are compared with those 1 %.
    Infinite where there is a NaN on either side.
    """
    pairs = [(one, other) for one, other in zip(found, expected, strict=True) if other.numel()]
    worst = torch.stack([(one - other).abs().max().double() for one, other in pairs])
    sizes = torch.stack([other.abs().max().double() for _, other in pairs])
    largest = sizes.max()
    return _finite(
        float((worst / sizes.clamp(min=_FLOOR * largest)).max() if largest else worst.max())
    )


def metrics_gap(found: Mapping[str, float], expected: Mapping[str, float]) -> float:
    """Return the largest difference between metrics, relative to the expected value.

    Shares, such as accuracy or R², which are 1 at best, are compared as they are: near 0 nothing
    is relative. What too few samples leave undefined, NaN, must be so on both sides.
    """
    gaps = [0.0]
    for name, value in expected.items():
        if math.isnan(value) and math.isnan(found[name]):
            continue
        is_share = metrics.direction(name) == "max"
        size = max(1.0, abs(value)) if is_share else abs(value) or 1.0
        gaps.append(_finite(abs(found[name] - value) / size))
    return max(gaps)


def _finite(difference: float) -> float:
    return difference if math.isfinite(difference) else math.inf
