"""Whether what was exported answers as the model does."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from torch import Tensor

from ..errors import ZooError

# B = batch

Answers = Callable[[Tensor], Tensor]
"""From samples (B, …) as the dataset gives them to a model's outputs (B, …)."""

TOLERANCE = 1e-4
"""By how much outputs may differ, as a share of the largest one, where that is above 1.

Two runtimes add up float32 in different orders; over the depth of a model that comes to about 1e-6.
"""


class Difference(NamedTuple):
    """How far apart two sets of outputs are."""

    largest: float
    tolerance: float


def expect(model: Answers, batches: Sequence[Tensor], name: str) -> list[Tensor]:
    """Return the model's own outputs, one tensor for each of the batches.

    Raises:
        ZooError: it returns no tensor, no finite numbers, or not the same ones twice.
    """
    outputs = [model(batch) for batch in batches]
    if strange := [found for found in outputs if not isinstance(found, Tensor)]:
        raise ZooError(
            f"{name} returns a {type(strange[0]).__name__}; only what returns one tensor can be "
            "exported and compared"
        )
    if not all(bool(found.isfinite().all()) for found in outputs):
        raise ZooError(f"{name} returns numbers that are not finite: there is nothing to compare")
    again = _difference([model(batch) for batch in batches], outputs)
    if again.largest > again.tolerance:
        raise ZooError(
            f"{name} answers the same samples differently each time (by {again.largest:.1e}), so "
            "that no export can be compared with it. It must draw and learn nothing in eval mode"
        )
    return outputs


def compare(
    exported: Answers, batches: Sequence[Tensor], expected: Sequence[Tensor], name: str
) -> Difference:
    """Ask what was exported, and compare its outputs with those `expected` of the model.

    Raises:
        ZooError: they differ by more than the tolerance, or in shape.
    """
    try:
        found = [exported(batch) for batch in batches]
    except Exception as error:
        raise ZooError(
            f"the exported {name} can't be computed ({type(error).__name__}: "
            f"{str(error).splitlines()[0][:160] if str(error) else ''}); nothing was written. "
            "Try another --format"
        ) from error
    shapes = [[tuple(one.shape) for one in outputs] for outputs in (found, expected)]
    if shapes[0] != shapes[1]:
        raise ZooError(
            f"the exported {name} has outputs of the shapes {shapes[0]}, the model of {shapes[1]}; "
            "nothing was written. Try another --format"
        )
    difference = _difference(found, expected)
    if not difference.largest <= difference.tolerance:  # so that NaN is too much as well
        raise ZooError(
            f"the exported {name} differs from the model by {difference.largest:.1e}, more than "
            f"{difference.tolerance:.1e}; nothing was written. Try another --format"
        )
    return difference


def _difference(found: Sequence[Tensor], expected: Sequence[Tensor]) -> Difference:
    largest = max(
        float((one.double() - other.double()).abs().max())
        for one, other in zip(found, expected, strict=True)
    )
    scale = max(1.0, *(float(outputs.abs().max()) for outputs in expected))
    return Difference(largest, TOLERANCE * scale)
