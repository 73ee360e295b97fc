"""Gradients of a batch in one process: in parts, after memory did not suffice, over GPUs."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from ..training import Job
from ._jobs import RAGGED, SIZES, gradients, prepared, reference, share
from ._proof import ROUNDING, Proof, gap
from ._still import settle, still
from ._subject import Note, Subject

# B = batch

_PARTS = (2, 3, 7)
_ACCUMULATE, _SPLIT, _DP = "--set accumulate", "a batch size that does not fit", "--parallel dp"


def prove_parts(subject: Subject, note: Note) -> Iterator[Proof]:
    """Compute the gradients of a batch in parts, and compare them with those of the whole."""
    note("gradients in parts …")
    with prepared(subject) as (job, fit):
        settle(job)
        still(job.model, norms=False)
        for kind, size in SIZES.items():
            expected = reference(job, size)
            for parts in _PARTS:
                fit.gradients.parts = parts
                fit.gradients(share(job, size))
                yield _proof(f"accumulate={parts}, {kind}", _ACCUMULATE, job, expected)
        expected = reference(job)
        fit.gradients.parts = len(share(job).samples)
        fit.gradients(share(job))
        yield _proof("micro-batches of one sample", _SPLIT, job, expected)
        fit.gradients.parts = 1
        with _little_memory(job.net):
            fit.gradients(share(job))
        yield _proof("micro-batches, out of memory twice", _SPLIT, job, expected)


def prove_data_parallel(subject: Subject) -> Proof:
    """Compute the gradients of a batch on all GPUs, where there are several."""
    name, gpus = "DataParallel on all GPUs", torch.cuda.device_count()
    if gpus < 2:
        text = f"there {'is' if gpus == 1 else 'are'} {gpus or 'no'} GPU{'' if gpus == 1 else 's'}"
        return Proof(name=name, tolerance=ROUNDING, difference=None, setting=_DP, skipped=text)
    with prepared(subject, parallel="dp", device="cuda") as (job, fit):
        settle(job)
        still(job.model, norms=False)
        expected = reference(job, RAGGED)
        fit.gradients(share(job, RAGGED))
        return _proof(name, _DP, job, expected)


def _proof(name: str, setting: str, job: Job, expected: list[torch.Tensor]) -> Proof:
    difference = gap(gradients(job), expected)
    return Proof(name=name, tolerance=ROUNDING, difference=difference, setting=setting)


@contextmanager
def _little_memory(net: nn.Module) -> Iterator[None]:
    """Let memory not suffice for a whole batch, nor for the second half of one."""
    calls = 0

    def fail(_module: nn.Module, _inputs: tuple[torch.Tensor, ...]) -> None:
        nonlocal calls
        calls += 1
        if calls in (1, 3):
            raise torch.OutOfMemoryError("simulated")

    handle = net.register_forward_pre_hook(fail)
    try:
        yield
    finally:
        handle.remove()
