"""One line an epoch, for logs and pipes; one JSON object an epoch, for programs."""

import math
import sys
from collections.abc import Mapping
from typing import Any, TextIO

from .._json import to_json
from ._reporter import EpochRow, Silent, Started


class Lines(Silent):
    """Prints one line an epoch on stdout, notes on stderr."""

    def __init__(self) -> None:
        self._epochs = 0

    def note(self, text: str) -> None:
        """Print a note on stderr."""
        self.print(text, to_stderr=True)

    def started(self, facts: Started) -> None:
        """Print what is trained on what."""
        self._epochs = facts.epochs
        resumed = f", from step {facts.step}" if facts.step else ""
        self.print(
            f"training {facts.model} ({facts.num_parameters:,} parameters) on {facts.dataset} "
            f"({_samples(facts)}), {facts.device}{resumed}"
        )

    def epoch_ended(self, row: EpochRow) -> None:
        """Print an epoch's metrics, its speed and its time."""
        width = len(str(self._epochs))
        self.print(
            f"epoch {row.epoch:>{width}}/{self._epochs}  {format_metrics(shown(row.metrics))}  "
            f"{row.samples_per_second:,.0f} samples/s  {row.seconds:.1f} s"
        )

    def ended(self, outcome: Mapping[str, Any]) -> None:
        """Print where the model is and what it reached."""
        if outcome["best_epoch"]:
            reached = f"{format_metrics(outcome['metrics'])} (epoch {outcome['best_epoch']}), "
        else:
            reached = ""
        self.print(
            f"{reached}{outcome['seconds']:.1f} s; stored as {outcome['run']}\n  {outcome['path']}"
        )
        for name, fault in outcome.get("plugin_failures", {}).items():
            self.print(f"  failed meanwhile: {name} in {fault}")

    def print(self, text: str, *, to_stderr: bool = False) -> None:
        """Print one piece of text."""
        stream = sys.stderr if to_stderr else sys.stdout
        stream.write(text + "\n")
        stream.flush()


def _samples(facts: Started) -> str:
    """Say what the data are: how many samples, of which size, in how many classes."""
    tested = f" + {facts.num_test:,}" if facts.num_test else ""
    text = f"{facts.num_train:,}{tested} samples"
    if facts.sample_shape:
        size = "x".join(map(str, facts.sample_shape))
        text += f" of {size}" if len(facts.sample_shape) > 1 else f" of {size} numbers"
    return f"{text}, {facts.num_classes} classes" if facts.num_classes else text


class Json(Silent):
    """Prints one JSON object an epoch and a last one for the outcome.

    Args:
        stream: where to; the stdout of now, whatever that becomes while others are at work.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout

    def note(self, text: str) -> None:
        """Print a note on stderr, where it is no JSON."""
        sys.stderr.write(text + "\n")

    def epoch_ended(self, row: EpochRow) -> None:
        """Print the row."""
        print_json({**row.measured(), **row.timed()}, self._stream)

    def ended(self, outcome: Mapping[str, Any]) -> None:
        """Print the outcome."""
        print_json(outcome, self._stream)


def print_json(value: object, stream: TextIO | None = None, *, indent: int | None = None) -> None:
    """Print one JSON value; NaN and infinity become null, what JSON has no type for its text.

    Args:
        value: what to print.
        stream: where to; None: stdout.
        indent: spaces for each level; None: all on one line.
    """
    stream = stream or sys.stdout
    stream.write(to_json(value, indent=indent, default=str) + "\n")
    stream.flush()


def shown(metrics: Mapping[str, float]) -> dict[str, float]:
    """Choose the metrics that a line has room for: the test's, else the training's."""
    tested = {name: value for name, value in metrics.items() if not name.startswith("train_")}
    return {"train_loss": metrics["train_loss"], **tested} if tested else dict(metrics)


def format_metrics(metrics: Mapping[str, float | None]) -> str:
    """Write metrics on one line: `accuracy 0.9921  loss 0.0261`; None, as files say it, is nan."""
    return "  ".join(
        f"{name.replace('train_', 'train ')} {math.nan if value is None else value:.4f}"
        for name, value in metrics.items()
    )
