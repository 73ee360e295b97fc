"""What is kept of a run whose loss became NaN or infinite: where it began, and what led there."""

from contextlib import suppress
from typing import Any

import torch
from torch import nn

from ..data import Batch
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
        are not, None where all are finite now; `losses` and `gradient_norms` of recent steps, as
        `[step, value]`.
    """
    epoch, step = divmod(end.step - 1, len(job.train))
    indices = job.train.indices(epoch + 1, step)
    module = None
    # A model that fails in this pass tells nothing; the rest of the record is worth keeping.
    with suppress(RuntimeError):
        job.strategy.unwrap(job.model)
        for part in indices.split(_CHUNK):
            module = module or first_not_finite(job.model, job.train.read(part, epoch + 1))
    return {
        "epoch": epoch + 1,
        "step": end.step,
        "loss": end.loss,
        "module": module,
        "samples": indices.tolist(),
        "losses": [list(pair) for pair in guard.losses],
        "gradient_norms": [[step, float(norm)] for step, norm in update.norms],
    }


@torch.no_grad()
def first_not_finite(model: nn.Module, batch: Batch) -> str | None:
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
        model(batch.samples)
    finally:
        for handle in handles:
            handle.remove()
        for name, buffer in model.named_buffers():
            buffer.copy_(buffers[name])
    return (found[0] or type(model).__name__) if found else None
