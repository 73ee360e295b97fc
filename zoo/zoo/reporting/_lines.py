"""One line an epoch, for logs and pipes; one JSON object an epoch, for programs."""

import json
import math
import sys
from collections.abc import Mapping
from typing import Any

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
        tested = f" + {facts.num_test:,}" if facts.num_test else ""
        self.print(
            f"training {facts.model} ({facts.num_parameters:,} parameters) on {facts.dataset} "
            f"({facts.num_train:,}{tested} samples), {facts.device}"
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

    def print(self, text: str, *, to_stderr: bool = False) -> None:
        """Print one piece of text."""
        stream = sys.stderr if to_stderr else sys.stdout
        stream.write(text + "\n")
        stream.flush()


class Json(Silent):
    """Prints one JSON object an epoch on stdout and a last one for the outcome."""

    def note(self, text: str) -> None:
        """Print a note on stderr, where it is no JSON."""
        sys.stderr.write(text + "\n")

    def epoch_ended(self, row: EpochRow) -> None:
        """Print the row."""
        print_json(row.flat())

    def ended(self, outcome: Mapping[str, Any]) -> None:
        """Print the outcome."""
        print_json(outcome)


def print_json(value: object) -> None:
    """Print one JSON value on one line of stdout; NaN and infinity become null."""
    sys.stdout.write(json.dumps(finite(value), ensure_ascii=False) + "\n")
    sys.stdout.flush()


def finite(value: Any) -> Any:
    """Replace the floats that JSON does not have by None, at any depth."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    return [finite(item) for item in value] if isinstance(value, list | tuple) else value


def shown(metrics: Mapping[str, float]) -> dict[str, float]:
    """Choose the metrics that a line has room for: the test's, else the training's."""
    tested = {name: value for name, value in metrics.items() if not name.startswith("train_")}
    return {"train_loss": metrics["train_loss"], **tested} if tested else dict(metrics)


def format_metrics(metrics: Mapping[str, float]) -> str:
    """Write metrics on one line: `accuracy 0.9921  loss 0.0261`."""
    return "  ".join(
        f"{name.replace('train_', 'train ')} {value:.4f}" for name, value in metrics.items()
    )
