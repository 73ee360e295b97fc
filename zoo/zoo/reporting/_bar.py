"""A live bar on a terminal, with a line for each epoch that is done."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from ._lines import Lines
from ._reporter import EpochRow, Started, Stream

_REDRAW_SECONDS = 0.25
"""A person sees no more, and each drawing takes the loop's time: 10 a second took 3 % of it."""


class Bar(Lines):
    """Shows the run's progress with loss, metric, samples/s and time left."""

    def __init__(self) -> None:
        super().__init__()
        self._console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}"),
            BarColumn(bar_width=None),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("loss {task.fields[loss]:.4f}"),
            TextColumn("{task.fields[metric]}"),
            TextColumn("{task.fields[rate]:,.0f} samples/s"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            refresh_per_second=1 / _REDRAW_SECONDS,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._monitor = ""

    def started(self, facts: Started) -> None:
        """Print what is trained on what, and show the bar."""
        super().started(facts)
        self._monitor = facts.monitor
        self._progress.add_task(
            "",
            total=facts.epochs * facts.num_batches,
            completed=facts.step,
            epoch=1,
            epochs=facts.epochs,
            loss=float("nan"),
            metric="",
            rate=0.0,
        )
        self._progress.start()

    def watch(self, batches: Stream, epoch: int, loss: Callable[[], float]) -> Stream:
        """Pass the batches through; look at the clock after each, redraw now and then."""
        task = self._progress.task_ids[0]
        done = samples_done = 0
        started = shown = time.perf_counter()
        for batch in batches:
            yield batch
            done += 1
            samples_done += batch.size
            now = time.perf_counter()
            if now - shown > _REDRAW_SECONDS:
                rate = samples_done / (now - started)
                self._progress.update(task, advance=done, epoch=epoch, loss=loss(), rate=rate)
                shown, done = now, 0
        # Also where an epoch is over before anything was to be redrawn.
        rate = samples_done / (time.perf_counter() - started)
        self._progress.update(task, advance=done, epoch=epoch, loss=loss(), rate=rate)

    def epoch_ended(self, row: EpochRow) -> None:
        """Print the epoch's line above the bar."""
        metric = f"{self._monitor} {row.metrics[self._monitor]:.4f}"
        self._progress.update(self._progress.task_ids[0], metric=metric)
        super().epoch_ended(row)

    def ended(self, outcome: Mapping[str, Any]) -> None:
        """Take the bar away and print the outcome."""
        self.close()
        super().ended(outcome)

    def close(self) -> None:
        """Take the bar away."""
        self._progress.stop()

    def print(self, text: str, *, to_stderr: bool = False) -> None:  # noqa: ARG002 - one screen
        """Print above the bar."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)
