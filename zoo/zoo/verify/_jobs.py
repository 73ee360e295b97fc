"""Jobs as a training would have them, to look at without training."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from .. import metrics
from .._registry import registry
from ..recipe import make_plans
from ..reporting import Silent
from ..training import Bystander, Fit, Interrupt, Job, Request, evaluate, prepare, surroundings

_PLAIN = {"precision": "fp32", "compile": "none", "accumulate": 1, "epochs": 1, "workers": 0}
"""Whatever the recipe says: what is compared is sums, not roundings."""


@contextmanager
def prepared(
    settings: Mapping[str, Any], root: Path | None, **changes: Any
) -> Iterator[tuple[Job, Fit]]:
    """Prepare a training of `settings` with `changes`; nothing of it is stored."""
    plans = make_plans({**settings, **_PLAIN, "parallel": "none", **changes}, registry(), root)
    request = Request(plans=plans, data_root=root)
    with surroundings(request):
        job = prepare(request, registry(), _ignore)
        try:
            yield job, Fit(job, Bystander(), Silent(), Interrupt())
        finally:
            job.close()


def gradients(job: Job) -> list[torch.Tensor]:
    """Return a copy of the gradients of every trained parameter."""
    return [torch.zeros_like(p) if p.grad is None else p.grad.detach().clone() for p in job.trained]


def reference(job: Job, samples: torch.Tensor, labels: torch.Tensor) -> list[torch.Tensor]:
    """Return the gradients of the mean loss over a batch, by plain torch on the bare model."""
    job.model.zero_grad()
    job.criterion(job.model(samples), labels).backward()
    found = gradients(job)
    job.model.zero_grad()
    return found


def measured(job: Job) -> dict[str, float]:
    """Return the metrics on the test split, over all ranks; none where there is no test split."""
    if job.test is None:
        return {}
    meter = metrics.for_task(job.facts.task, job.strategy.device, job.facts.num_classes)
    net = job.strategy.evaluated(job.model, job.net)
    return evaluate(net, job.test, job.criterion, meter, job.strategy, job.precision)


def _ignore(_text: str) -> None:
    pass
