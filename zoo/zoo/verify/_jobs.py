"""Jobs as a training would have them, to look at without training."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from .. import metrics
from .._registry import registry
from ..data import Batch
from ..recipe import Plan
from ..reporting import Silent
from ..training import Bystander, Fit, Interrupt, Job, Request, evaluate, prepare, surroundings
from ._subject import Subject

_PLAIN = {
    "parallel": "none",
    "ranks": 1,
    "precision": "fp32",
    "tf32": False,
    "compile": "none",
    "accumulate": 1,
    "epochs": 1,
    "workers": 0,
}
"""Whatever the recipe says: what is compared is sums, not roundings."""

RAGGED = 11
"""Samples of a batch that has no even parts: 6 + 5, 4 + 4 + 3, or five times 2 and 1."""
SIZES = {"a whole batch": None, "a ragged batch": RAGGED}


@contextmanager
def prepared(subject: Subject, **changes: Any) -> Iterator[tuple[Job, Fit]]:
    """Prepare a training with `changes` to its settings; nothing of it is stored."""
    plan = Plan({**subject.plan.settings, **_PLAIN, **changes}, subject.plan.entries)
    request = Request(plans=[plan], objects={"dataset": subject.splits}, data_root=subject.root)
    with surroundings(request):
        job = prepare(request, registry(), _ignore)
        try:
            yield job, Fit(job, Bystander(), Silent(), Interrupt())
        finally:
            job.close()


def share(job: Job, size: int | None = None) -> Batch:
    """Return this rank's share of the first batch, or of so many samples of it."""
    indices = _indices(job, size)
    own = indices.tensor_split(job.strategy.num_ranks)[job.strategy.rank]
    return job.train.read(own, 1)._replace(size=len(indices))


def _indices(job: Job, size: int | None) -> torch.Tensor:
    """Return which samples make up that batch, over all ranks: int64 (B,)."""
    return job.train.indices(1, 0)[:size]


def gradients(job: Job) -> list[torch.Tensor]:
    """Return a copy of the gradients of every trained parameter, and forget them."""
    found = [
        p.new_zeros(p.shape) if p.grad is None else p.grad.detach().clone() for p in job.trained
    ]
    job.net.zero_grad()
    return found


def reference(job: Job, size: int | None = None) -> list[torch.Tensor]:
    """Return the gradients of the mean loss over the whole batch, by plain torch."""
    batch = job.train.read(_indices(job, size), 1)
    job.criterion(job.model(batch.samples), batch.labels).backward()
    return gradients(job)


def measured(job: Job) -> dict[str, float]:
    """Return the metrics on the test split, over all ranks; none where there is no test split."""
    if job.test is None:
        return {}
    meter = metrics.for_task(job.facts.task, job.strategy.device, job.facts.num_classes)
    net = job.strategy.evaluated(job.model, job.net)
    return evaluate(net, job.test, job.criterion, meter, job.strategy, job.precision)


def _ignore(_text: str) -> None:
    pass
