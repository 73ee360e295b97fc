"""What a training tells the one who waits for it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from ..data import Batch

# A text, for commands that only print must not cost torch.
Stream: TypeAlias = "Iterator[Batch]"
"""This rank's shares of batches."""


@dataclass(frozen=True, kw_only=True)
class Started:
    """What is known before the first step."""

    run: str
    model: str
    dataset: str
    device: str
    num_parameters: int
    num_train: int
    num_test: int
    sample_shape: tuple[int, ...] = ()
    """Without the batch: (C, H, W) for images, (D,) for tables."""
    num_classes: int = 0
    """0 for a regression."""
    epochs: int
    num_batches: int
    """Batches per epoch."""
    step: int = 0
    """Optimizer steps done already, of a run that is resumed."""
    monitor: str
    """The metric that chooses the best epoch."""


@dataclass(frozen=True, kw_only=True)
class EpochRow:
    """One epoch of the history."""

    epoch: int
    """Counted from 1."""
    step: int
    """Optimizer steps done since the run began."""
    lr: float
    """The learning rate after the epoch, of the first parameter group."""
    seconds: float
    """Training and evaluation together."""
    samples_per_second: float
    """Of training alone."""
    metrics: Mapping[str, float]
    """On the test split; those on the training split begin with `train_`."""

    def measured(self) -> dict[str, float]:
        """Return what is the same each time a recipe is trained: a line of `metrics.jsonl`."""
        return {"epoch": self.epoch, "step": self.step, "lr": self.lr, **self.metrics}

    def timed(self) -> dict[str, float]:
        """Return what is another each time: a line of `times.jsonl`."""
        return {
            "epoch": self.epoch,
            "seconds": self.seconds,
            "samples_per_second": self.samples_per_second,
        }


class Reporter(Protocol):
    """Told of a training's course; each way of showing it implements this."""

    def note(self, text: str) -> None:
        """Show a line that a user should know."""

    def started(self, facts: Started) -> None:
        """Show that training begins."""

    def watch(self, batches: Stream, epoch: int, loss: Callable[[], float]) -> Stream:
        """Pass an epoch's batches through, showing how far it is; `loss` is the newest one."""

    def epoch_ended(self, row: EpochRow) -> None:
        """Show what an epoch brought."""

    def ended(self, outcome: Mapping[str, Any]) -> None:
        """Show the outcome.

        It has `run`, `path`, `state`, `metrics`, `best_epoch`, `seconds` and `plugin_failures`, by
        name what each plugin or tracker first failed in.
        """

    def close(self) -> None:
        """Leave the screen in order, however the training ended."""


class Silent:
    """Shows nothing."""

    def note(self, text: str) -> None:
        """Show nothing."""

    def started(self, facts: Started) -> None:
        """Show nothing."""

    def watch(self, batches: Stream, epoch: int, loss: Callable[[], float]) -> Stream:  # noqa: ARG002 - the protocol's
        """Pass the batches through."""
        return batches

    def epoch_ended(self, row: EpochRow) -> None:
        """Show nothing."""

    def ended(self, outcome: Mapping[str, Any]) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Have nothing to put in order."""
