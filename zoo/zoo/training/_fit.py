"""One run from its first step to its end: epochs, history, checkpoints, the best weights."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from .. import metrics
from ..card import make_card
from ..checkpoints import Checkpoint, map_tensors
from ..data import Batch
from ..metrics import Meter
from ..parallel import Agreement
from ..reporting import EpochRow, Reporter
from ._diagnose import FILE, are_finite, diagnose, diverged
from ._due import Due
from ._gradients import Gradients
from ._groups import frozen_modules
from ._guard import NotFinite, make_guard
from ._interrupt import Interrupt
from ._job import Job
from ._keeper import Keeper
from ._loop import evaluate, set_training, train_epoch, whole
from ._progress import Progress, lower_is_better
from ._rank_state import rank_states, set_rank_state
from ._state import Stateful, job_parts, load_parts
from ._update import Update


class Fit:
    """Trains `job` and gives what comes out to `keeper`; every rank of a training has one.

    Args:
        job: built and checked.
        keeper: of what is to be stored.
        reporter: shows the course.
        interrupt: true once the run should end after its step.

    Attributes:
        progress: how far it is.
        gradients: computes those of a batch.
        is_stopped: whether the ranks have agreed to end after a step.
    """

    def __init__(self, job: Job, keeper: Keeper, reporter: Reporter, interrupt: Interrupt) -> None:
        self.job = job
        self.keeper = keeper
        self.reporter = reporter
        self.progress = Progress()
        self.is_stopped = False
        self._interrupt = interrupt
        self._agreement = Agreement(job.strategy)
        self._due = Due(job.recipe, Agreement(job.strategy))
        self._monitor, _, self._direction = job.recipe.monitor.partition(":")
        self._frozen = frozen_modules(job.model, job.recipe.freeze)
        self._evaluated = job.strategy.evaluated(job.model, job.net)
        self._meter = self._new_meter()
        scaler, trained = job.precision.scaler, job.trained
        self._guard = make_guard(
            job.strategy.device,
            job.optimizer,
            # A scaler's gradients overflow now and then, which is no fault of any loss.
            trained[-1] if job.strategy.num_ranks > 1 and scaler is None else None,
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
        self.parts: dict[str, Stateful] = {
            **job_parts(job),
            "progress": self.progress,
            "guard": self._guard,
            "update": self._update,
            "gradients": self.gradients,
        }

    def run(self) -> bool:
        """Train; say whether it came to its end, all epochs or an early stop."""
        while not self.progress.is_over:
            row = None if self._must_stop() else self._epoch()
            if row is None:
                self._keep_unfinished()
                return False
            self._keep(row)
        return True

    def _epoch(self) -> EpochRow | None:
        """Train and measure an epoch, or what is left of it; None where it is to stop."""
        job, progress = self.job, self.progress
        started = time.perf_counter()
        before = self.step
        if progress.trained is None and not self._train():
            return None
        assert progress.trained is not None
        training_seconds = time.perf_counter() - started
        measured = {**progress.trained, **self._test()}
        if self.is_stopped:
            return None
        if hasattr(job.scheduler, "epoch_ended"):
            job.scheduler.epoch_ended(lower_is_better(measured[self._monitor], self._direction))
        share = (self.step - before) / len(job.train)
        return EpochRow(
            epoch=progress.epoch,
            step=self.step,
            lr=job.optimizer.param_groups[0]["lr"],
            seconds=time.perf_counter() - started,
            samples_per_second=share * job.train.num_samples / training_seconds,
            metrics=measured,
        )

    def _train(self) -> bool:
        """Take the steps that are left of the epoch; say whether none is."""
        job, epoch = self.job, self.progress.epoch
        done = self.step - (epoch - 1) * len(job.train)
        batches = self.reporter.watch(job.train.epoch(epoch, done), epoch, lambda: self._guard.last)
        set_training(job.net, self._frozen)
        self.train_on(self._between_steps(batches), self._meter)
        if self.step < epoch * len(job.train):
            return False
        trained = whole(self._meter, job.strategy)
        self.progress.trained = {f"train_{name}": value for name, value in trained.items()}
        return True

    def train_on(self, batches: Iterator[Batch], meter: Meter) -> None:
        """Run the loop; what it can't go on from becomes a record and an error."""
        guard, update = self._guard, self._update
        try:
            train_epoch(batches, self.gradients, guard, update, self.job.scheduler, meter)
            self._require_finite()
        except NotFinite as end:
            record = diagnose(self.job, end, guard, update)
            told = self.keeper.write_json(FILE, record)
            raise diverged(end, self.job.num_steps, record, told) from None

    def _require_finite(self) -> None:
        """Look at the weights: a gradient may be NaN where its loss is not."""
        if not are_finite(self.job.trained):
            raise NotFinite(self._guard.step, self._guard.last)

    def _between_steps(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """Pass batches through; between two steps, take checkpoints and stop where asked to."""
        for batch in batches:
            yield batch
            if self._due(self._guard.step):
                self.checkpoint()
            self.keeper.poll()
            if self._must_stop():
                return

    def _must_stop(self) -> bool:
        """Poll: every rank asks as often as the others, and hears the same."""
        self.is_stopped = self.is_stopped or self._agreement.poll(bool(self._interrupt))
        return self.is_stopped

    def _test(self) -> dict[str, float]:
        """Measure the model on the test split; its averaged weights, where there are such."""
        job = self.job
        if job.test is None or self._must_stop():
            return {}
        with self._averaged():
            return evaluate(
                self._evaluated,
                job.test,
                job.criterion,
                self._new_meter(),
                strategy=job.strategy,
                precision=job.precision,
                must_stop=self._must_stop,
            )

    def _keep(self, row: EpochRow) -> None:
        """Store what an epoch brought: its metrics, the weights where they are the best."""
        progress = self.progress
        if progress.improves(dict(row.metrics), self._monitor, self._direction):
            self._publish()
        self.keeper.append_metrics(row)
        self.reporter.epoch_ended(row)
        self.keeper.notify("zoo_epoch_ended", epoch=row.epoch, metrics=row.metrics)
        progress.is_over = self._is_enough(row.epoch)
        progress.epoch, progress.trained = row.epoch + 1, None
        self.checkpoint(ended=True)

    def _is_enough(self, epoch: int) -> bool:
        """Tell whether all epochs are done, or too many went by without a better one."""
        if epoch == self.job.recipe.epochs:
            return True
        patience, best = self.job.recipe.early_stop, self.progress.best_epoch
        if not patience or epoch - best < patience:
            return False
        self.reporter.note(
            f"stopped early: {self._monitor} was best in epoch {best}, {patience} ago"
        )
        self.keeper.update(stopped_early=True)
        return True

    def _keep_unfinished(self) -> None:
        """Store the state in the middle of an epoch; the weights too, where the run has none."""
        self.checkpoint()
        if not self.progress.best_epoch:
            self._publish()

    def _publish(self) -> None:
        """Store the weights as the run's model, its best so far."""
        job = self.job
        card = make_card(job.recipe, job.entries, job.facts, self.final_metrics)
        with self._averaged():
            self.keeper.publish(job.strategy.state_dict(job.model), card.to_metadata())
        self.keeper.update(best_epoch=self.progress.best_epoch, metrics=self.final_metrics)

    def checkpoint(self, *, ended: bool = False) -> None:
        """Have all that changes stored, as it is between two steps; collective.

        Args:
            ended: whether an epoch has been measured, and nothing of the next is done.
        """
        job = self.job
        self._guard.drain()
        states = {name: part.state_dict() for name, part in self.parts.items()}
        state = {
            "parts": map_tensors(states, lambda _place, value: job.strategy.gathered(value)),
            "ranks": rank_states(job.strategy, self._meter),
        }
        model = job.strategy.state_dict(job.model)
        self.keeper.checkpoint(self.step, model, state, ended=ended)
        self._due.reset()

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint, whose weights the model has already; every rank does."""
        job, state = self.job, checkpoint.state
        load_parts(self.parts, state["parts"], job.strategy)
        set_rank_state(job.strategy, self._meter, state["ranks"], job.recipe.seed, self.step)

    def _averaged(self) -> AbstractContextManager[None]:
        return nullcontext() if self.job.average is None else self.job.average.applied()

    @property
    def step(self) -> int:
        """Optimizer steps done."""
        return self._guard.step

    @property
    def final_metrics(self) -> dict[str, Any]:
        """The stored model's metrics: the test's, where there is a test split."""
        best = self.progress.best_metrics
        tested = {name: value for name, value in best.items() if not name.startswith("train_")}
        return tested or best

    def _say_split(self, parts: int, size: int) -> None:
        self.reporter.note(
            f"out of memory: batches of {size} samples are computed in {parts} parts from here on; "
            "their gradients, and the steps, stay the same"
        )
        self.keeper.update(micro_batches=parts)

    def _new_meter(self) -> Meter:
        facts = self.job.facts
        return metrics.for_task(facts.task, self.job.strategy.device, facts.num_classes)
