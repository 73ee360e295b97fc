"""Whether what was exported answers as the model does."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ..errors import ZooError

# B = batch

Answers = Callable[[Tensor], Tensor]
"""From samples (B, …) as the dataset gives them to a model's outputs (B, …)."""

TOLERANCE = 1e-4
"""By how much outputs may differ, as a share of how far apart the model's own lie.

Two runtimes add up float32 in different orders; over the depth of a model that comes to about 1e-6.
"""

NOISE = 1e-5
"""By how much they may differ in any case, as a share of the largest: what float32 can tell apart,
where a model's outputs are nearly the same."""


class Difference(NamedTuple):
    """How far apart two sets of outputs are."""

    largest: float
    tolerance: float

    @property
    def is_too_much(self) -> bool:
        """Whether they can't be told to be the same; so are outputs that are no numbers."""
        return not self.largest <= self.tolerance


def expect(model: Answers, batches: Sequence[Tensor], name: str, *, apart: bool) -> list[Tensor]:
    """Return the model's own outputs, one tensor for each of the batches.

    Args:
        model: what answers.
        batches: samples.
        name: of the model, for messages.
        apart: see `compare`.

    Raises:
        ZooError: it returns no tensor, no finite numbers, or not the same ones twice.
    """
    outputs = [model(batch) for batch in batches]
    if strange := [found for found in outputs if not isinstance(found, Tensor)]:
        raise ZooError(
            f"{name} returns a {type(strange[0]).__name__}; only what returns one tensor can be "
            "exported and compared"
        )
    for found, batch in zip(outputs, batches, strict=True):
        if found.shape[:1] != batch.shape[:1]:
            raise ZooError(
                f"{name} returns outputs of shape {tuple(found.shape)} for {len(batch)} samples; "
                "only what has a row for each can be exported and compared"
            )
    if not all(bool(found.isfinite().all()) for found in outputs):
        raise ZooError(f"{name} returns numbers that are not finite: there is nothing to compare")
    again = _difference([model(batch) for batch in batches], outputs, apart=apart)
    if again.is_too_much:
        raise ZooError(
            f"{name} answers the same samples differently each time (by {again.largest:.1e}), so "
            "that no export can be compared with it. It must draw and learn nothing in eval mode"
        )
    return outputs


def compare(
    exported: Answers,
    batches: Sequence[Tensor],
    expected: Sequence[Tensor],
    name: str,
    *,
    apart: bool,
) -> Difference:
    """Ask what was exported, and compare its outputs with those `expected` of the model.

    Args:
        exported: what answers.
        batches: samples.
        expected: the model's outputs for them.
        name: of the model, for messages.
        apart: whether each output is a quantity with a scale of its own, as the targets of a
            regression are; else they are scores, which are held against each other.

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
    difference = _difference(found, expected, apart=apart)
    if difference.is_too_much:
        raise ZooError(
            f"the exported {name} differs from the model by {difference.largest:.1e}, more than "
            f"{difference.tolerance:.1e}; nothing was written. Try another --format"
        )
    return difference


def _difference(found: Sequence[Tensor], expected: Sequence[Tensor], *, apart: bool) -> Difference:
    """Return the difference of the outputs of one kind that come closest to what is allowed."""
    ours, theirs = (_by_kind(outputs, apart=apart) for outputs in (expected, found))
    largest = (theirs - ours).abs().amax(0)
    spread = ours.amax(0) - ours.amin(0)
    allowed = torch.maximum(TOLERANCE * spread, NOISE * ours.abs().amax(0))
    allowed = allowed.clamp(min=torch.finfo(torch.float32).smallest_normal)
    worst = int((largest / allowed).argmax())  # one that is no number is the largest
    return Difference(float(largest[worst]), float(allowed[worst]))


def _by_kind(outputs: Sequence[Tensor], *, apart: bool) -> Tensor:
    """Lay outputs (B, …) out as numbers (N, K) of K kinds."""
    rows = torch.cat([batch.double().reshape(len(batch), -1) for batch in outputs])
    return rows if apart else rows.reshape(-1, 1)
