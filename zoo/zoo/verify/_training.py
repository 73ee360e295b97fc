"""The promises of the training loop, tried one after another."""

import hashlib
import itertools
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch

from .. import metrics
from ..data import Batch
from ..parallel import launch
from ..training import Job, set_training
from ..weights import canonical_state_dict
from ._jobs import gradients, measured, prepared, reference
from ._proof import EXACT, ROUNDING, Proof, gap
from ._ranks import on_rank
from ._workers import prove_workers

_STEPS = 20
"""Of each of two trainings that must come out alike."""
_RAGGED = 3
"""Samples left out of a batch, so that its parts are of different sizes."""
_METRICS = 1e-6
"""Relative: losses are summed in another order; counts are the same."""

Note = Callable[[str], None]


def prove_training(settings: Mapping[str, Any], root: Path | None, note: Note) -> Iterator[Proof]:
    """Try what the loop promises on a model and a dataset; nothing is stored.

    Args:
        settings: as `make_plans` takes them.
        root: the folder handed to datasets.
        note: told what is being tried.

    Yields:
        A proof for each promise.
    """
    prove = partial(_parts, settings, root)
    for parts in (2, 3, 7):
        note(f"gradients in {parts} parts …")
        yield prove(parts, f"accumulate={parts}, a whole batch", ragged=0)
        yield prove(parts, f"accumulate={parts}, a ragged batch", ragged=_RAGGED)
    note("gradients of single samples …")
    yield prove(None, "micro-batches of one sample", ragged=0)
    yield _data_parallel(settings, root)
    note("two trainings …")
    yield _twice(settings, root)
    note("0, 1 and 3 workers …")
    yield prove_workers(settings, root)
    note("2 ranks, then 3 …")
    yield from _ranks(settings, root)


def _parts(
    settings: Mapping[str, Any], root: Path | None, parts: int | None, name: str, *, ragged: int
) -> Proof:
    with prepared(settings, root) as (job, fit):
        batch = _ragged(next(job.train.epoch(1)), ragged)
        # Norms and dropout of a part differ from those of the whole by nature.
        job.net.eval()
        expected = reference(job, batch.samples, batch.labels)
        fit.gradients.parts = len(batch.samples) if parts is None else parts
        fit.gradients(batch)
        return Proof(name=name, tolerance=ROUNDING, difference=gap(gradients(job), expected))


def _ragged(batch: Batch, fewer: int) -> Batch:
    keep = max(1, len(batch.samples) - fewer)
    return Batch(batch.samples[:keep], batch.labels[:keep], keep)


def _data_parallel(settings: Mapping[str, Any], root: Path | None) -> Proof:
    name, gpus = "DataParallel on all GPUs", torch.cuda.device_count()
    if gpus < 2:
        text = f"there {'is' if gpus == 1 else 'are'} {gpus or 'no'} GPU{'' if gpus == 1 else 's'}"
        return Proof(name=name, tolerance=ROUNDING, difference=None, skipped=text)
    with prepared(settings, root, parallel="dp", device="cuda") as (job, fit):
        batch = next(job.train.epoch(1))
        job.net.eval()
        expected = reference(job, batch.samples, batch.labels)
        fit.gradients(batch)
        return Proof(name=name, tolerance=ROUNDING, difference=gap(gradients(job), expected))


def _twice(settings: Mapping[str, Any], root: Path | None) -> Proof:
    digests = set()
    for _ in range(2):
        with prepared(settings, root) as (job, fit):
            set_training(job.net, [])
            meter = metrics.for_task(job.facts.task, job.strategy.device, job.facts.num_classes)
            fit.train_on(itertools.islice(job.train.epoch(1), _STEPS), meter)
            digests.add(_digest(job))
    name = f"the same seed twice, {_STEPS} steps: the same bytes"
    return Proof(name=name, tolerance=EXACT, difference=float(len(digests) - 1))


def _digest(job: Job) -> str:
    digest = hashlib.sha256()
    for name, tensor in canonical_state_dict(job.model).items():
        digest.update(name.encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _ranks(settings: Mapping[str, Any], root: Path | None) -> Iterator[Proof]:
    with prepared(settings, root) as (job, _):
        expected = measured(job)
    for ranks in (2, 3):
        outcomes = launch(on_rank, (dict(settings), root, ranks), ranks=ranks)
        yield Proof(
            name=f"DDP with {ranks} ranks",
            tolerance=ROUNDING,
            difference=max(difference for difference, _ in outcomes),
        )
        worst = (
            max(
                (abs(found[key] - value) / max(abs(value), 1e-12))
                for _, found in outcomes
                for key, value in expected.items()
            )
            if expected
            else None
        )
        yield Proof(
            name=f"evaluation on {ranks} ranks",
            tolerance=_METRICS,
            difference=worst,
            skipped="there is no test split",
        )
