"""One run from its first step to its end: epochs, history, best and last weights."""

import math
import time
from collections.abc import Callable
from pathlib import Path

from .. import metrics
from ..card import make_card
from ..metrics import Meter
from ..reporting import EpochRow, Reporter
from ..runs import RunWriter
from ..weights import SavedFile, save_weights
from ._guard import FiniteGuard
from ._interrupt import Interrupt
from ._job import Job
from ._loop import Stream, evaluate, train_epoch

LAST = Path("checkpoints") / "last.safetensors"
"""The weights after the newest epoch; `model.*` are those of the best one."""

Notify = Callable[..., None]


class Fit:
    """Trains `job` and stores what comes out in `writer`'s folder.

    Args:
        job: built and checked.
        writer: of the run's directory.
        reporter: shows the course.
        notify: calls a life-cycle hook in every plugin.
        interrupt: true once the run should end after its step.
    """

    def __init__(
        self, job: Job, writer: RunWriter, reporter: Reporter, notify: Notify, interrupt: Interrupt
    ) -> None:
        self.job = job
        self.writer = writer
        self.reporter = reporter
        self.notify = notify
        self.interrupt = interrupt
        self.best_epoch = 0
        self.best_metrics: dict[str, float] = {}
        self._guard = FiniteGuard(job.strategy.device, job.num_steps)
        self._monitor, _, self._direction = job.recipe.monitor.partition(":")

    def run(self) -> bool:
        """Train every epoch, or until the interrupt; say whether it came to the end."""
        for epoch in range(1, self.job.recipe.epochs + 1):
            row = None if self.interrupt else self._epoch(epoch)
            if row is None:
                self._keep_unfinished()
                return False
            self._keep(row)
            self.writer.append_metrics(row.flat())
            self.reporter.epoch_ended(row)
            self.notify("zoo_epoch_ended", epoch=epoch, metrics=row.metrics)
        return True

    def _epoch(self, epoch: int) -> EpochRow | None:
        """Train and evaluate one epoch; None where the interrupt came before its end."""
        job = self.job
        started = time.perf_counter()
        meter = self._meter()
        batches = self.reporter.watch(job.train.epoch(epoch), epoch, lambda: self._guard.last)
        train_epoch(job, self._until_interrupt(batches), meter, self._guard)
        if self._guard.step < epoch * len(job.train):
            return None
        trained = meter.compute()
        seconds = time.perf_counter() - started
        tested = (
            {} if job.test is None else evaluate(job.net, job.test, job.criterion, self._meter())
        )
        row = EpochRow(
            epoch=epoch,
            step=self._guard.step,
            lr=job.optimizer.param_groups[0]["lr"],
            seconds=time.perf_counter() - started,
            samples_per_second=job.train.num_samples / seconds,
            metrics={**{f"train_{name}": value for name, value in trained.items()}, **tested},
        )
        if hasattr(job.scheduler, "epoch_ended"):
            job.scheduler.epoch_ended(self._lower_is_better(row.metrics[self._monitor]))
        return row

    def _until_interrupt(self, batches: Stream) -> Stream:
        for batch in batches:
            yield batch
            if self.interrupt:
                return

    def _keep(self, row: EpochRow) -> None:
        """Store the weights: as the last ones, and as the model where they are the best."""
        value = self._lower_is_better(row.metrics[self._monitor])
        best = self.best_metrics.get(self._monitor)
        if best is None or value < self._lower_is_better(best):
            self.best_epoch = row.epoch
            self.best_metrics = dict(row.metrics)
            self._publish()
        self._save(LAST)

    def _keep_unfinished(self) -> None:
        """Store the weights in the middle of an epoch; as the model only where there is none."""
        self._save(LAST)
        if not self.best_epoch:
            self._publish()

    def _publish(self) -> None:
        job = self.job
        card = make_card(job.recipe, job.entries, job.facts, self.final_metrics)
        for name in ("model.safetensors", "model.pth"):
            self.writer.add_file(self._save(Path(name), card.to_metadata()))
        self.writer.update(best_epoch=self.best_epoch, metrics=self.final_metrics)

    @property
    def step(self) -> int:
        """Optimizer steps done."""
        return self._guard.step

    @property
    def final_metrics(self) -> dict[str, float]:
        """The stored model's metrics: the test's, where there is a test split."""
        tested = {k: v for k, v in self.best_metrics.items() if not k.startswith("train_")}
        return tested or self.best_metrics

    def _save(self, name: Path, metadata: dict[str, str] | None = None) -> SavedFile:
        path = self.writer.path / name
        path.parent.mkdir(exist_ok=True)
        header = metadata if path.suffix == ".safetensors" else None
        saved = save_weights(self.job.model, path, metadata=header)
        self.notify("zoo_checkpoint_saved", path=path)
        return saved

    def _lower_is_better(self, value: float) -> float:
        if math.isnan(value):
            return math.inf
        return value if self._direction == "min" else -value

    def _meter(self) -> Meter:
        facts = self.job.facts
        return metrics.for_task(facts.task, self.job.strategy.device, facts.num_classes)
