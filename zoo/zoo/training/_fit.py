"""One run from its first step to its end: epochs, history, best and last weights."""

import math
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from .. import metrics
from ..card import make_card
from ..data import Batch
from ..errors import Diverged
from ..metrics import Meter
from ..parallel import Agreement
from ..reporting import EpochRow, Reporter
from ._diagnose import FILE, diagnose
from ._gradients import Gradients
from ._groups import frozen_modules
from ._guard import NotFinite, make_guard
from ._interrupt import Interrupt
from ._job import Job
from ._keeper import Keeper
from ._loop import evaluate, set_training, train_epoch, whole
from ._update import Update

LAST = Path("checkpoints") / "last.safetensors"
"""The weights after the newest epoch; `model.*` are those of the best one."""


class Fit:
    """Trains `job` and gives what comes out to `keeper`; every rank of a training has one.

    Args:
        job: built and checked.
        keeper: of what is to be stored.
        reporter: shows the course.
        interrupt: true once the run should end after its step.

    Attributes:
        best_epoch: counted from 1; 0 before the first has ended.
        best_metrics: of that epoch.
        gradients: computes those of a batch.
        is_stopped: whether the ranks have agreed to end after a step.
    """

    def __init__(self, job: Job, keeper: Keeper, reporter: Reporter, interrupt: Interrupt) -> None:
        self.job = job
        self.keeper = keeper
        self.reporter = reporter
        self.best_epoch = 0
        self.best_metrics: dict[str, float] = {}
        self.is_stopped = False
        self._interrupt = interrupt
        self._agreement = Agreement(job.strategy)
        self._monitor, _, self._direction = job.recipe.monitor.partition(":")
        self._frozen = frozen_modules(job.model, job.recipe.freeze)
        self._evaluated = job.strategy.evaluated(job.model, job.net)
        scaler, trained = job.precision.scaler, job.trained
        self._guard = make_guard(
            job.strategy.device,
            job.optimizer,
            trained[-1] if job.strategy.num_ranks > 1 else None,
            scaled=scaler is not None,
        )
        self._update = Update(
            job.optimizer,
            trained,
            scaler=scaler,
            clip_norm=job.recipe.clip_norm,
            average=job.average,
        )
        self.gradients = Gradients(
            job.net,
            job.criterion,
            job.strategy,
            job.precision,
            self._guard,
            parts=job.recipe.accumulate,
            stand_in=job.train.head(1),
            split_further=self._say_split,
        )

    def run(self) -> bool:
        """Train; say whether it came to its end, all epochs or an early stop."""
        for epoch in range(1, self.job.recipe.epochs + 1):
            row = None if self._must_stop() else self._epoch(epoch)
            if row is None:
                self._keep_unfinished()
                return False
            self._keep(row)
            self.keeper.append_metrics(row.flat())
            self.reporter.epoch_ended(row)
            self.keeper.notify("zoo_epoch_ended", epoch=epoch, metrics=row.metrics)
            if self._is_enough(epoch):
                break
        return True

    def _epoch(self, epoch: int) -> EpochRow | None:
        """Train and evaluate one epoch; None where the ranks agreed to stop before its end."""
        job = self.job
        started = time.perf_counter()
        meter = self._meter()
        batches = self.reporter.watch(job.train.epoch(epoch), epoch, lambda: self._guard.last)
        set_training(job.net, self._frozen)
        self.train_on(self._until_stopped(batches), meter)
        if self._guard.step < epoch * len(job.train):
            return None
        trained = {f"train_{k}": v for k, v in whole(meter, job.strategy).items()}
        training_seconds = time.perf_counter() - started
        measured = {**trained, **self._test()}
        if hasattr(job.scheduler, "epoch_ended"):
            job.scheduler.epoch_ended(self._lower_is_better(measured[self._monitor]))
        return EpochRow(
            epoch=epoch,
            step=self._guard.step,
            lr=job.optimizer.param_groups[0]["lr"],
            seconds=time.perf_counter() - started,
            samples_per_second=job.train.num_samples / training_seconds,
            metrics=measured,
        )

    def train_on(self, batches: Iterator[Batch], meter: Meter) -> None:
        """Run the loop; what it can't go on from becomes a record and an error."""
        guard, update = self._guard, self._update
        try:
            train_epoch(batches, self.gradients, guard, update, self.job.scheduler, meter)
        except NotFinite as end:
            told = self.keeper.write_json(FILE, diagnose(self.job, end, guard, update))
            raise Diverged(
                f"the loss became {end.loss} at step {end.step} of {self.job.num_steps}; the "
                "weights were not updated with it. Try a lower --lr, a scheduler with warm-up, "
                f"or look at the data: non-finite samples do this too. {told} names the samples, "
                "and the first module that was not finite"
            ) from None

    def _test(self) -> dict[str, float]:
        """Measure the model on the test split; its averaged weights, where there are such."""
        job = self.job
        if job.test is None:
            return {}
        with self._averaged():
            return evaluate(
                self._evaluated,
                job.test,
                job.criterion,
                self._meter(),
                strategy=job.strategy,
                precision=job.precision,
            )

    def _until_stopped(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        for batch in batches:
            yield batch
            if self._must_stop():
                return

    def _must_stop(self) -> bool:
        """Poll: every rank asks as often as the others, and hears the same."""
        self.is_stopped = self.is_stopped or self._agreement.poll(bool(self._interrupt))
        return self.is_stopped

    def _keep(self, row: EpochRow) -> None:
        """Store the weights: as the last ones, and as the model where they are the best."""
        value = self._lower_is_better(row.metrics[self._monitor])
        best = self.best_metrics.get(self._monitor)
        if best is None or value < self._lower_is_better(best):
            self.best_epoch = row.epoch
            self.best_metrics = dict(row.metrics)
            self._publish()
        self._keep_last()

    def _is_enough(self, epoch: int) -> bool:
        """Tell whether too many epochs went by without a better one."""
        patience = self.job.recipe.early_stop
        if not patience or epoch - self.best_epoch < patience or epoch == self.job.recipe.epochs:
            return False
        self.reporter.note(
            f"stopped early: {self._monitor} was best in epoch {self.best_epoch}, {patience} ago"
        )
        self.keeper.update(stopped_early=True)
        return True

    def _keep_unfinished(self) -> None:
        """Store the weights in the middle of an epoch; as the model only where there is none."""
        self._keep_last()
        if not self.best_epoch:
            self._publish()

    def _keep_last(self) -> None:
        self.keeper.save(self.job.strategy.state_dict(self.job.model), LAST, {})

    def _publish(self) -> None:
        job = self.job
        card = make_card(job.recipe, job.entries, job.facts, self.final_metrics)
        with self._averaged():
            self.keeper.publish(job.strategy.state_dict(job.model), card.to_metadata())
        self.keeper.update(best_epoch=self.best_epoch, metrics=self.final_metrics)

    def _averaged(self) -> AbstractContextManager[None]:
        return nullcontext() if self.job.average is None else self.job.average.applied()

    @property
    def step(self) -> int:
        """Optimizer steps done."""
        return self._guard.step

    @property
    def final_metrics(self) -> dict[str, float]:
        """The stored model's metrics: the test's, where there is a test split."""
        tested = {k: v for k, v in self.best_metrics.items() if not k.startswith("train_")}
        return tested or self.best_metrics

    def _say_split(self, parts: int, size: int) -> None:
        self.reporter.note(
            f"out of memory: batches of {size} samples are computed in {parts} parts from here on; "
            "their gradients, and the steps, stay the same"
        )
        self.keeper.update(micro_batches=parts)

    def _lower_is_better(self, value: float) -> float:
        if math.isnan(value):
            return math.inf
        return value if self._direction == "min" else -value

    def _meter(self) -> Meter:
        facts = self.job.facts
        return metrics.for_task(facts.task, self.job.strategy.device, facts.num_classes)
