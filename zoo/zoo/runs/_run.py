"""A run as it lies on disk, read without torch."""

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .._files import reason as words
from ..errors import UnknownName
from ._machine import is_dead

RECORD = "run.json"
RECIPE = "recipe.toml"
METRICS = "metrics.jsonl"
WEIGHTS = "model.safetensors"

STATES = ("running", "done", "stopped", "failed")


@dataclass(frozen=True)
class Run:
    """One training and its folder, as they were when it was read."""

    path: Path
    state: str
    """`running`, `done`, `stopped` or `failed`, as recorded; `killed` where the process of a
    running one has ended on this machine; `damaged` where the folder can't be read."""
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
        """
        try:
            lines = (self.path / METRICS).read_bytes().splitlines()
        except FileNotFoundError:
            return []
        return [row for line in lines if (row := _row(line)) is not None]


def open_run(path: str | Path) -> Run:
    """Read the run in the folder `path`, which may be a damaged one.

    Raises:
        UnknownName: there is no such folder.
    """
    path = Path(path).absolute()
    if not os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises where a name is too long
        raise UnknownName(f"there is no run at {path}. `zoo runs` shows those there are.")
    try:
        return _read(path)
    except OSError as error:
        return _damaged(path, f"{Path(error.filename or path).name}: {words(error)}")
    except (ValueError, TypeError) as error:
        return _damaged(path, str(error))


def _read(path: Path) -> Run:
    record = _parsed(path / RECORD, json.loads)
    recipe = _parsed(path / RECIPE, tomllib.loads)
    for key in ("metrics", "files", "process"):
        if not isinstance(record.setdefault(key, {}), dict):
            raise TypeError(f"{RECORD}: {key!r} is not a table")
    if (state := record.get("state")) not in STATES:
        raise ValueError(f"{RECORD}: unknown state {state!r}")
    if state == "running" and is_dead(record["process"]):
        state = "killed"
    try:
        created = _utc(datetime.fromisoformat(record.get("created", "")))
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(f"{RECORD}: 'created' is not a time") from error
    return Run(path, state, record, recipe, created)


def _parsed(file: Path, parse: Any) -> dict[str, Any]:
    try:
        value = parse(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # also what is not UTF-8
        raise ValueError(f"{file.name}: {error}") from error
    if not isinstance(value, dict):
        raise TypeError(f"{file.name} is not a table")
    return value


def _damaged(path: Path, reason: str) -> Run:
    try:
        changed = path.stat().st_mtime
    except OSError:
        changed = 0.0
    return Run(path, "damaged", {}, {}, _utc(datetime.fromtimestamp(changed, UTC)), reason)


def _utc(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="microseconds")


def _row(line: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None
