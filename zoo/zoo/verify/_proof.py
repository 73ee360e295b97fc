"""One promise, and how far from it a machine was found."""

from dataclasses import dataclass

import torch

EXACT = 0.0
"""The tolerance of what must be the same to the bit."""
ROUNDING = 1e-4
"""Of gradients in float32, relative to the largest: sums of thousands of numbers, each rounded to
1e-7, in another order."""


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What was compared, and what came out."""

    name: str
    tolerance: float
    """The largest relative difference that passes."""
    difference: float | None
    """The largest found; None where it could not be tried."""
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


def gap(found: list[torch.Tensor], expected: list[torch.Tensor]) -> float:
    """Return the largest difference, relative to the largest expected value; inf for NaN."""
    largest = max(float(tensor.abs().max()) for tensor in expected) or 1.0
    worst = max(
        float((one - other).abs().max()) for one, other in zip(found, expected, strict=True)
    )
    return worst / largest if worst == worst else float("inf")  # noqa: PLR0124 - NaN is not itself
