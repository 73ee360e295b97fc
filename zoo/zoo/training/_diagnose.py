"""What is kept of a run whose loss became NaN or infinite: where it began, and what led there."""

import math
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import torch
from torch import nn

from ..data import Batch
from ..errors import Diverged
from ._guard import FiniteGuard, NotFinite
from ._job import Job
from ._update import Update

FILE = "diverged.json"
_CHUNK = 64
"""Samples looked at in one go."""


def diagnose(job: Job, end: NotFinite, guard: FiniteGuard, update: Update) -> dict[str, Any]:
    """Collect what tells why a loss was not finite.

    Returns:
        `epoch` and `step` (from 1), `loss`, `samples`: the indices of the batch in the training
        split; `module`: the first whose output is not finite on them, `input` where the samples
        are not, `loss` where the outputs are finite and their loss is not, None where all are
        finite now; `weights_finite`: whether the weights before the update are; `losses` and
        `gradient_norms` of recent steps, as `[step, value]`.
    """
    epoch, step = divmod(end.step - 1, len(job.train))
    indices = job.train.indices(epoch + 1, step)
    module = None
    # A model that fails in this pass tells nothing; the rest of the record is worth keeping.
    with suppress(Exception):
        job.strategy.unwrap(job.model)
        for part in indices.split(_CHUNK):
            batch = job.train.read(part, epoch + 1)
            with job.precision.autocast():
                module = module or first_not_finite(job.model, batch, job.criterion)
    return {
        "epoch": epoch + 1,
        "step": end.step,
        "loss": end.loss,
        "module": module,
        "weights_finite": are_finite(job.model.parameters()),
        "samples": indices.tolist(),
        "losses": [list(pair) for pair in guard.losses],
        "gradient_norms": [[step, float(norm)] for step, norm in update.norms],
    }


def diverged(end: NotFinite, num_steps: int, record: Mapping[str, Any], told: str) -> Diverged:
    """Return the error that says what a record does, which is kept at `told`."""
    if math.isfinite(end.loss):
        what = f"the weights are not finite after step {end.step} of {num_steps}"
    else:
        what = f"the loss became {end.loss} at step {end.step} of {num_steps}"
    if record["weights_finite"]:
        what += "; the weights were not updated with it"
    else:
        what += "; a gradient of a step before was not finite, though its loss was"
    return Diverged(
        f"{what}. Try a lower --lr, a scheduler with warm-up, clip_norm, or look at the data: "
        f"non-finite samples do this too. {told} names the samples, and the first module that was "
        "not finite"
    )


@torch.no_grad()
def first_not_finite(model: nn.Module, batch: Batch, criterion: nn.Module) -> str | None:
    """Name the first module whose output holds NaN or infinity; its buffers are left alone."""
    if not bool(torch.isfinite(batch.samples).all()):
        return "input"
    found: list[str] = []

    def look(name: str, outputs: object) -> None:
        if isinstance(outputs, torch.Tensor) and not bool(torch.isfinite(outputs).all()):
            found.append(name)

    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    handles = [
        module.register_forward_hook(lambda _m, _i, outputs, name=name: look(name, outputs))
        for name, module in model.named_modules()
    ]
    try:
        loss = criterion(model(batch.samples), batch.labels)
    finally:
        for handle in handles:
            handle.remove()
        for name, buffer in model.named_buffers():
            buffer.copy_(buffers[name])
    if not found and not bool(torch.isfinite(loss)):
        return "loss"
    return (found[0] or type(model).__name__) if found else None


@torch.no_grad()
def are_finite(tensors: Iterable[torch.Tensor]) -> bool:
    """Tell whether all values are finite, of this rank's share; waits for the device once."""
    own = [getattr(t, "to_local", t.detach)() for t in tensors]
    sums = [t.abs().sum(dtype=torch.float64) for t in own if t.is_floating_point()]
    return bool(torch.isfinite(torch.stack(sums)).all()) if sums else True
