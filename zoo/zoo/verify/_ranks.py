"""What is proven on several ranks: gradients, and measurements."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from ._jobs import gradients, measured, prepared, reference
from ._proof import gap


def on_rank(
    settings: Mapping[str, Any], root: Path | None, ranks: int
) -> tuple[float, dict[str, float]]:
    """Return the gap between a rank's gradients and plain ones, and the metrics of all ranks."""
    with prepared(settings, root, parallel="ddp", ranks=ranks) as (job, fit):
        metrics = measured(job)
        job.net.train()
        for module in job.model.modules():
            if isinstance(module, nn.modules.dropout._DropoutNd):  # noqa: SLF001 - torch has no name
                module.eval()
        fit.gradients(next(job.train.epoch(1)))
        found = gradients(job)
        job.strategy.unwrap(job.model)
        batch = job.train.read(job.train.indices(1, 0), 1)
        return gap(found, reference(job, batch.samples, batch.labels)), metrics
