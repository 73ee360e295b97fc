"""What a list of runs tells of each, quickly also for ten thousand of them."""

import json
import math
import os
import struct
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from .._files import reason
from .._json import to_json
from ..errors import StorageError, UnknownName
from ..home import home, runs_dir
from ._index import recall, remember
from ._run import RECORD, Run, open_run
from ._writing import is_over

_SETTLED = 2_000_000_000
"""Nanoseconds for which a file must have been left alone before its stamp identifies it: the
coarsest clock of a file system (FAT) ticks every two seconds, and what changes twice within a tick
may look the same."""

_BREAK = "\x1f"
"""Between the fields of what is remembered: split at it they are read in a fifth of the time that
JSON takes."""

_STAMP = struct.Struct("<qqQQ")
_NUMBER = 2**64 - 1


class Summary(NamedTuple):
    """A run as lists show it."""

    name: str
    state: str
    """As `Run.state`."""
    model: str
    dataset: str
    monitor: str
    """The metric that chose the weights."""
    best: float | None
    """Its value, nan where it is not defined; None where there is none."""
    created: str
    seconds: float | None
    """None where it has not ended."""
    metrics_json: str
    """The final metrics as JSON, which few who list runs need parsed."""
    reason: str = ""
    """What is wrong with a damaged one."""

    @property
    def metrics(self) -> dict[str, Any]:
        """The final metrics; None stands for nan and the infinities."""
        metrics: dict[str, Any] = json.loads(self.metrics_json)
        return metrics


def summaries() -> list[Summary]:
    """Return what there is to say of all runs, the newest first.

    It is what their records say now. Those that are not known from an earlier list are read, the
    others only looked at: their times, sizes and numbers in the file system. Recipes and weights
    are not looked at.

    Raises:
        StorageError: the folder of the runs can't be read.
    """
    began = time.time_ns()
    stamps = _stamps(runs_dir())
    if not stamps:
        return []
    index = home() / "index.sqlite"
    fresh, gone = recall(index, stamps)
    found = {name: _unpacked(name, body) for name, body in fresh.items()}
    learned = {}
    for name in stamps.keys() - found.keys():
        with suppress(UnknownName):  # removed meanwhile
            run = open_run(runs_dir() / name, with_recipe=False)
            found[name] = summary_of(run)
            if run.state != "damaged" and _settled(stamps[name], began):
                learned[name] = (stamps[name], _packed(run))
    if learned or gone:
        remember(index, learned, gone)
    return sorted(found.values(), key=lambda row: (row.created, row.name), reverse=True)


def summary_of(run: Run) -> Summary:
    """Return a run's summary."""
    model, dataset, monitor = (
        _text(run.record.get(key)) for key in ("model", "dataset", "monitor")
    )
    monitor = monitor.partition(":")[0]
    return Summary(
        name=run.name,
        state=run.state,
        model=model,
        dataset=dataset,
        monitor=monitor,
        best=_number(run.metrics.get(monitor, "")),
        created=run.created,
        seconds=_number(run.record.get("seconds", "")),
        metrics_json=to_json(run.metrics),
        reason=run.reason,
    )


def _text(value: Any) -> str:
    return value.replace(_BREAK, " ") if isinstance(value, str) else ""


def _number(value: Any) -> float | None:
    """Return a number of a record, for which null stands where it is not defined."""
    if value is None:
        return math.nan
    return float(value) if isinstance(value, int | float) else None


def _packed(run: Run) -> bytes:
    """Return what is remembered of a run: its summary, and its process while it runs."""
    row = summary_of(run)
    running = run.record["state"] == "running"
    fields = (
        to_json(run.record["process"]) if running else row.state,
        row.model,
        row.dataset,
        row.monitor,
        "" if row.best is None else repr(row.best),
        row.created,
        "" if row.seconds is None else repr(row.seconds),
        row.metrics_json,
    )
    return _BREAK.join(fields).encode()


def _unpacked(name: str, body: bytes) -> Summary:
    """Return a run's summary from what was remembered, with its state as it is now."""
    state, model, dataset, monitor, best, created, seconds, metrics = body.decode().split(_BREAK)
    if state[0] == "{":
        state = "killed" if is_over(runs_dir() / name, json.loads(state)) else "running"
    return Summary(
        name,
        state,
        model,
        dataset,
        monitor,
        float(best) if best else None,
        created,
        float(seconds) if seconds else None,
        metrics,
    )


def _stamps(folder: Path) -> dict[str, bytes]:
    """Return the stamp of each run's record by name; empty where the run has none."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.name[0] != "." and entry.is_dir()]
        if os.stat not in os.supports_dir_fd:
            return {name: _stamp(f"{folder}{os.sep}{name}{os.sep}", None) for name in names}
        # Names below an open folder are found in less time than whole paths.
        descriptor = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StorageError(f"can't read {folder}: {reason(error)}. Check ZOO_HOME.") from error
    try:
        return {name: _stamp(f"{name}/", descriptor) for name in names}
    finally:
        os.close(descriptor)


def _stamp(folder: str, descriptor: int | None) -> bytes:
    """Return what a new version of a run's record can't have in common with the old."""
    try:
        found = os.stat(folder + RECORD, dir_fd=descriptor)
    except OSError:
        return b""
    # Some systems' numbers are longer.
    number = found.st_ino & _NUMBER
    return _STAMP.pack(found.st_mtime_ns, found.st_ctime_ns, found.st_size, number)


def _settled(stamp: bytes, when: int) -> bool:
    """Say whether the file of a stamp had long been as it is at a time, in nanoseconds."""
    if not stamp:
        return False
    modified, changed, *_ = _STAMP.unpack(stamp)
    return bool(max(modified, changed) < when - _SETTLED)
