"""Making a run's folder, and keeping it up to date while the run lasts."""

import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from io import FileIO
from pathlib import Path
from typing import Any, Self

from .._files import SavedFile, storage_error, sync_folder, write_text
from .._json import to_json
from ..errors import RunExists
from ..home import home_error, make_folder, runs_dir
from ._machine import machine_facts, this_process
from ._names import check_name, next_name, slug
from ._run import METRICS, RECIPE, RECORD, Run, open_run


class RunWriter:
    """The one who writes a run's folder. Made by `create`."""

    def __init__(self, path: Path, record: dict[str, Any]) -> None:
        self.path = path
        self.name = path.name
        self._record = record
        self._began = time.monotonic()

    @classmethod
    def create(
        cls, name: str | None, stem: str, recipe_toml: str, record: Mapping[str, Any]
    ) -> Self:
        """Make the folder of a new run, with its recipe and its record already in it.

        Args:
            name: what to call it; None: `<stem>-<n>` with the next number that is free.
            stem: any text, for instance the model's and the dataset's names.
            recipe_toml: the text of `recipe.toml`.
            record: what `run.json` says besides what is known here: its name and state, the
                time, the process and the machine.

        Raises:
            UsageError: nothing can be called `name`.
            RunExists: something is called `name`, and kept as it is.
            StorageError: it can't be written; the text names the place and `ZOO_HOME`.
        """
        if name is not None:
            check_name(name)
        folder = make_folder(runs_dir())
        try:
            full = _first_record(record)
            path = _claim(folder, name, slug(stem), recipe_toml, full)
        except OSError as error:
            raise home_error(folder, error) from error
        return cls(path, {"name": path.name, **full})

    @property
    def run(self) -> Run:
        """The run as it is on disk now."""
        return open_run(self.path)

    def append_metrics(self, row: Mapping[str, Any]) -> None:
        """Add one line to `metrics.jsonl`; other programs see it at once.

        Raises:
            StorageError: it can't be written; the lines before it stay as they are.
        """
        file = self.path / METRICS
        try:
            with file.open("ab", buffering=0) as stream:
                _append(stream, f"{to_json(row)}\n".encode())
        except OSError as error:
            raise storage_error(file, error) from error

    def add_file(self, saved: SavedFile) -> None:
        """Record a file of the run: its size and digest, by which `verify_files` knows it."""
        name = saved.path.relative_to(self.path).as_posix()
        facts = {"sha256": saved.sha256, "bytes": saved.size}
        self.update(files={**self._record.get("files", {}), name: facts})

    def write_json(self, name: str, value: Mapping[str, Any]) -> Path:
        """Store an object as a file of the run."""
        write_text(self.path / name, _record_text(value))
        return self.path / name

    def update(self, **record: Any) -> None:
        """Set entries of `run.json`. Whoever reads it sees the old record or the new one."""
        self._record.update(record)
        write_text(self.path / RECORD, _record_text(self._record))

    def finish(self, state: str, **record: Any) -> Run:
        """Record how it ended: `done`, `stopped` or `failed`."""
        seconds = round(time.monotonic() - self._began, 3)
        self.update(**record, state=state, ended=_now(), seconds=seconds)
        return self.run

    def discard(self) -> bool:
        """Remove a run that has stored nothing but its recipe; say whether it was one.

        A run with metrics or weights is kept: `finish` it instead.
        """
        hidden = self.path.with_name(_temporary_name(self.name))
        try:
            if {file.name for file in self.path.iterdir()} - {RECIPE, RECORD}:
                return False
            self.path.rename(hidden)  # at once, for whoever is listing runs
        except OSError:  # gone already, or not ours to remove
            return False
        shutil.rmtree(hidden, ignore_errors=True)
        return True


def require_free(name: str) -> None:
    """Say early what `RunWriter.create` would say in the end: before a training is prepared.

    Raises:
        UsageError: nothing can be called `name`.
        RunExists: something is called `name`.
    """
    check_name(name)
    if os.path.lexists(runs_dir() / name):
        raise _taken(name)


def _taken(name: str) -> RunExists:
    return RunExists(
        f"there is a run {name!r} already; `zoo runs show {name}` shows it. Choose another name, "
        "or none to have the next number."
    )


def _first_record(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "state": "running",
        "zoo_version": version("zoo-registry"),
        "created": _now(),
        "process": this_process(),
        "machine": machine_facts(),
        **record,
    }


def _claim(
    folder: Path, name: str | None, stem: str, recipe_toml: str, record: Mapping[str, Any]
) -> Path:
    """Fill a hidden folder and rename it: nobody sees it half made, and only one can have it."""
    with _hidden_folder(folder, name or stem) as making:
        write_text(making / RECIPE, recipe_toml)
        while True:
            path = folder / (name or next_name(folder, stem))
            write_text(making / RECORD, _record_text({"name": path.name, **record}))
            if _renamed(making, path):
                sync_folder(folder)
                return path
            if name is not None:
                raise _taken(name)


@contextmanager
def _hidden_folder(folder: Path, name: str) -> Iterator[Path]:
    """Make a folder to build a run in, which is gone afterwards unless it was renamed."""
    making = folder / _temporary_name(name)
    making.mkdir()
    try:
        yield making
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _renamed(making: Path, path: Path) -> bool:
    """Rename, unless something is called that; of several who try at once one succeeds."""
    # A rename would quietly take the place of an empty folder.
    if os.path.lexists(path):
        return False
    try:
        making.rename(path)
    except OSError:
        if os.path.lexists(path):
            return False
        raise
    return True


def _append(stream: FileIO, line: bytes) -> None:
    before = os.fstat(stream.fileno()).st_size
    try:
        while line:  # a disk that is almost full takes a part first, and then refuses
            line = line[stream.write(line) :]
    except OSError:
        stream.truncate(before)
        raise


def _record_text(record: Mapping[str, Any]) -> str:
    return to_json(record, indent=2) + "\n"


def _temporary_name(name: str) -> str:
    return f".{name}.{os.getpid()}.{secrets.token_hex(4)}.partial"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
