"""What every tracker is told of a run, under the same names."""

import hashlib
from collections.abc import Mapping
from typing import Any

from zoo import Run
from zoo.recipe import flat_settings


def identity(run: Run) -> str:
    """Return what the run is called in a tracker, the same however often it is gone on with.

    A name may be given anew once its run is removed: the moment in which it began tells them apart.
    """
    return hashlib.sha256(f"{run.name} {run.created}".encode()).hexdigest()[:16]


def hyperparameters(run: Run) -> dict[str, bool | int | float | str]:
    """Return the recipe with dotted keys; lists and tables as texts, which all trackers take."""
    return {
        key: value if isinstance(value, bool | int | float) else str(value)
        for key, value in flat_settings(run.recipe).items()
    }


def tags(run: Run) -> dict[str, str]:
    """Return what tells where the run is and what it was made with."""
    record = run.record
    return {
        "zoo.id": identity(run),
        "zoo.run": run.name,
        "zoo.path": str(run.path),
        "zoo.model": str(record["model"]),
        "zoo.dataset": str(record["dataset"]),
        "zoo.task": str(record["task"]),
        "zoo.parameters": str(record["parameters"]),
        "zoo.data": str(record["data"]["fingerprint"]),
        "zoo.commit": str((record.get("code") or {}).get("commit", "")),
        "zoo.parent": str(record.get("parent") or ""),
        **{f"zoo.version.{name}": text for name, text in record["versions"].items()},
    }


def measured(run: Run, epoch: int, metrics: Mapping[str, float]) -> dict[str, float]:
    """Return an epoch's metrics by split, `train/loss` and `test/loss`, its rate and its speed."""
    values = dict(map(_by_split, metrics.items()))
    rows: list[dict[str, Any]] = [*run.history, *run.times]
    for row in rows:
        if row["epoch"] == epoch:
            values |= {
                key: row[key] for key in ("lr", "seconds", "samples_per_second") if key in row
            }
    return values


def final(run: Run) -> dict[str, float]:
    """Return the metrics of the weights that are stored, and the epoch they are of."""
    found = {
        f"final/{name}": float(value) for name, value in run.metrics.items() if value is not None
    }
    return {**found, "final/best_epoch": float(run.record["best_epoch"])}


def num_epochs(run: Run) -> int:
    """Return how many epochs are in its history: of a run that is gone on with, those that hold."""
    return len(run.history)


def _by_split(item: tuple[str, float]) -> tuple[str, float]:
    name, value = item
    split, rest = ("train", name[6:]) if name.startswith("train_") else ("test", name)
    return f"{split}/{rest}", value
