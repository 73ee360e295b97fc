"""The loop that trains every model, and the one that measures it."""

from collections.abc import Iterable

import torch
from torch import nn

from ..data import Batches
from ..metrics import Meter
from ._guard import FiniteGuard
from ._job import Criterion, Job
from ._plain_optimizer import step_of

Stream = Iterable[tuple[torch.Tensor, torch.Tensor]]


def train_epoch(job: Job, batches: Stream, meter: Meter, guard: FiniteGuard) -> None:
    """Take one optimizer step for each of `batches`."""
    net, criterion, optimizer, scheduler = job.net, job.criterion, job.optimizer, job.scheduler
    step = step_of(optimizer)
    net.train()
    for samples, labels in batches:
        outputs = net(samples)
        loss = guard.watch(criterion(outputs, labels))
        optimizer.zero_grad()
        loss.backward()
        guard.check()
        step()
        scheduler.step()
        meter.update(outputs.detach(), labels, loss.detach())


@torch.inference_mode()
def evaluate(
    net: nn.Module, batches: Batches, criterion: Criterion, meter: Meter
) -> dict[str, float]:
    """Measure `net` on every sample of `batches`, once each."""
    net.eval()
    for samples, labels in batches.epoch():
        outputs = net(samples)
        meter.update(outputs, labels, criterion(outputs, labels))
    return meter.compute()
