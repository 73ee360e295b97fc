"""A run as it lies on disk, read without torch."""

import io
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from .._digests import fault_in
from .._files import reason as words
from .._sealed import unseal
from ..errors import CorruptWeights, UnknownName
from ._when import in_utc, of_file
from ._writing import is_over

RECORD = "run.json"
RECIPE = "recipe.toml"
METRICS = "metrics.jsonl"
TIMES = "times.jsonl"
WEIGHTS = "model.safetensors"

STATES = ("running", "done", "stopped", "failed")


@dataclass(frozen=True)
class Run:
    """One training and its folder, as they were when it was read."""

    path: Path
    state: str
    """`running`, `done`, `stopped` or `failed`, as recorded; `killed` where the process of a
    running one has ended on this machine, or given it up; `damaged` where the folder can't be
    read."""
    record: Mapping[str, Any] = field(repr=False)
    """The whole of `run.json`; empty when damaged."""
    recipe: Mapping[str, Any] = field(repr=False)
    """The whole of `recipe.toml`; empty when damaged."""
    created: str = field(repr=False)
    """When it began, as ISO 8601 in UTC, so that texts sort as times do. Of a damaged one, when
    its folder last changed."""
    reason: str = field(default="", repr=False)
    """What is wrong with a damaged one."""

    @property
    def name(self) -> str:
        """Its folder's name."""
        return self.path.name

    @property
    def metrics(self) -> dict[str, Any]:
        """The final metrics of the stored model, fractions as fractions."""
        return dict(self.record.get("metrics", {}))

    @property
    def weights(self) -> Path:
        """Where its weights are, once some are stored."""
        return self.path / WEIGHTS

    @property
    def history(self) -> list[dict[str, Any]]:
        """One row for each epoch. A line that is not whole, as a kill may leave one, is left out.

        NaN and the infinities are None.

        Raises:
            CorruptWeights: the run has ended, and its history is not what was stored.
        """
        rows, fault = _history(self.path, self.record)
        if fault:  # or the run has been gone on with since it was read
            rows, fault = _history(self.path, open_run(self.path).record)
        if fault:
            raise altered(self.path / METRICS, fault)
        return rows

    @property
    def times(self) -> list[dict[str, Any]]:
        """One row for each epoch measured: `epoch`, `seconds`, `samples_per_second`.

        An epoch that was measured again, after a kill, has two rows.
        """
        try:
            return _rows((self.path / TIMES).read_bytes())
        except FileNotFoundError:
            return []


def open_run(path: str | Path, *, with_recipe: bool = True) -> Run:
    """Read the run in the folder `path`, which may be a damaged one.

    Args:
        path: its folder.
        with_recipe: False reads its record alone, which takes a third of the time.

    Raises:
        UnknownName: there is no such folder.
    """
    path = Path(path).absolute()
    _require_folder(path)
    try:
        return _read(path, with_recipe=with_recipe)
    except OSError as error:
        _require_folder(path)  # it may have been removed meanwhile
        return _damaged(path, f"{Path(error.filename or path).name}: {words(error)}")
    except (ValueError, TypeError) as error:
        return _damaged(path, str(error))


def altered(file: Path, fault: str) -> CorruptWeights:
    """Return the error for a file of a run that is not what was stored."""
    return CorruptWeights(
        f"{file} is not what the run stored: {fault}. Copy the run again from where it is whole, "
        "or train it again from its recipe.toml."
    )


def _require_folder(path: Path) -> None:
    if not os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises where a name is too long
        raise UnknownName(f"there is no run at {path}. `zoo runs` shows those there are.")


def _read(path: Path, *, with_recipe: bool) -> Run:
    record = _record(path / RECORD)
    recipe = _recipe(path / RECIPE, record["files"].get(RECIPE)) if with_recipe else {}
    if (state := record.get("state")) not in STATES:
        raise ValueError(f"{RECORD}: unknown state {state!r}")
    if state == "running" and is_over(path, record["process"]):
        state = "killed"
    try:
        created = in_utc(datetime.fromisoformat(record.get("created", "")))
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(f"{RECORD}: 'created' is not a time") from error
    return Run(path, state, record, recipe, created)


def _record(file: Path) -> dict[str, Any]:
    try:
        record = unseal(file.read_bytes())
    except ValueError as error:
        raise ValueError(f"{file.name}: {error}") from error
    for key in ("metrics", "files", "process"):
        if not isinstance(record.setdefault(key, {}), dict):
            raise TypeError(f"{file.name}: {key!r} is not a table")
    return record


def _recipe(file: Path, facts: Any) -> dict[str, Any]:
    import tomllib  # here, for a list of runs that are known already needs none

    data = file.read_bytes()
    if fault := fault_in(io.BytesIO(data), facts):
        raise ValueError(f"{file.name}: {fault}")
    try:
        return tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:  # also what is not UTF-8
        raise ValueError(f"{file.name}: {error}") from error


def _damaged(path: Path, reason: str) -> Run:
    try:
        changed = path.stat().st_mtime
    except OSError:
        changed = 0.0
    return Run(path, "damaged", {}, {}, of_file(changed), reason)


def _history(path: Path, record: Mapping[str, Any]) -> tuple[list[dict[str, Any]], str]:
    """Return the rows of the history, and in what it differs from what is recorded."""
    facts = record.get("files", {}).get(METRICS)
    try:
        data = (path / METRICS).read_bytes()
    except FileNotFoundError:
        return [], "" if facts is None else "it is missing"
    fault = "" if facts is None else fault_in(io.BytesIO(data), facts)
    return _rows(data), fault


def _rows(data: bytes) -> list[dict[str, Any]]:
    """Return the lines of a file that are whole."""
    return [row for line in data.splitlines() if (row := _row(line)) is not None]


def _row(line: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None
