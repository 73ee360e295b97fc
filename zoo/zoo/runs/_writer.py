"""Making a run's folder, and keeping it up to date while the run lasts."""

import os
import shutil
import time
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

from .._digests import facts_of
from .._files import SavedFile, storage_error, sync_folder, write_text
from .._json import to_json
from .._sealed import seal
from ..errors import RunExists, StorageError
from ..home import home_error, make_folder, runs_dir
from ._hidden import hidden_name, sweep
from ._lock import registry_lock
from ._machine import machine_facts, this_process
from ._metrics import MetricsFile, append_whole
from ._names import check_name, next_name, slug
from ._run import METRICS, RECIPE, RECORD, TIMES, Run, open_run
from ._stretches import continued, require_resumable, require_unchanged
from ._when import now
from ._writing import begin_writing, end_writing


class RunWriter:
    """The one who writes a run's folder. Made by `create` or by `reopen`."""

    def __init__(
        self, path: Path, record: dict[str, Any], metrics: MetricsFile | None = None
    ) -> None:
        self.path = path
        self.name = path.name
        self._record = record
        self._metrics = metrics or MetricsFile(path / METRICS)
        self._began = time.monotonic()
        begin_writing(path)

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
        sweep()
        try:
            path, full = _claim(folder, name, slug(stem), recipe_toml, _first_record(record))
        except OSError as error:
            raise home_error(folder, error) from error
        return cls(path, full)

    @classmethod
    def reopen(
        cls,
        run: Run,
        metrics_bytes: int,
        *,
        metrics_sha256: str | None = None,
        record: Mapping[str, Any] | None = None,
        force: bool = False,
    ) -> Self:
        """Go on with a run that was stopped or killed, or that failed, in this process.

        Of several who try at once one succeeds. What went before is kept among the record's
        `stretches`; the history is cut to what a checkpoint knew of it. Temporary files that a
        killed process left in the folder are deleted.

        Args:
            run: it is read again, for it may have changed.
            metrics_bytes: size of the history that holds.
            metrics_sha256: its digest; None: not known.
            record: entries to set, such as `lineage()`; the run's parent stays what it was.
            force: go on also where the run's process lives, or may live on another machine.
                Where it does, the two ruin each other's work.

        Raises:
            UsageError: it is done, or being trained, or an alias holds it; or somebody has gone on
                with it since it was read.
            CorruptWeights: its record is damaged, or its history does not begin as it should.
            StorageError: it can't be written; it is as it was.
        """
        with registry_lock():
            found = open_run(run.path)
            require_resumable(found, force=force)
            require_unchanged(found, run)
            metrics = MetricsFile.kept(found.path / METRICS, metrics_bytes, metrics_sha256)
            sweep(found.path)
            full = continued(found, record or {})
            _write_record(found.path, full)
            try:
                metrics.cut()
            except StorageError:
                _write_record(found.path, found.record)
                raise
            return cls(found.path, full, metrics)

    @property
    def run(self) -> Run:
        """The run as it is on disk now."""
        return open_run(self.path)

    def append_metrics(self, row: Mapping[str, Any]) -> None:
        """Add one line to `metrics.jsonl`; other programs see it at once.

        Raises:
            StorageError: it can't be written; the lines before it stay as they are.
        """
        self._metrics.append(row)

    def append_times(self, row: Mapping[str, Any]) -> None:
        """Add one line to `times.jsonl`: what is another each time a recipe is trained.

        Raises:
            StorageError: it can't be written; the lines before it stay as they are.
        """
        file = self.path / TIMES
        try:
            with file.open("ab", buffering=0) as stream:
                append_whole(stream, f"{to_json(row)}\n".encode())
        except OSError as error:
            raise storage_error(file, error) from error

    def metrics_facts(self) -> dict[str, Any]:
        """Return the size in `bytes` and the `sha256` of `metrics.jsonl`, at no cost."""
        return self._metrics.facts()

    def sync_metrics(self) -> None:
        """Get the history onto the disk: a checkpoint that knows of it must not outlive it.

        Any thread may call it.

        Raises:
            StorageError: the disk does not take it.
        """
        self._metrics.sync()

    def add_file(self, saved: SavedFile) -> None:
        """Record a file of the run: its size and digest, by which `verify_files` knows it."""
        name = saved.path.relative_to(self.path).as_posix()
        self.update(files={**self._record["files"], name: facts_of(saved)})

    def write_json(self, name: str, value: Mapping[str, Any]) -> Path:
        """Store an object as a file of the run, sealed with its digest."""
        write_text(self.path / name, seal(value))
        return self.path / name

    def update(self, **record: Any) -> None:
        """Set entries of `run.json`. Whoever reads it sees the old record or the new one."""
        self._record.update(record)
        _write_record(self.path, self._record)

    def finish(self, state: str, **record: Any) -> Run:
        """Record how it ended: `done`, `stopped` or `failed`; `seconds` are of all stretches.

        Raises:
            StorageError: it can't be written; the run counts as killed, and can be gone on with.
        """
        earlier = sum(stretch["seconds"] for stretch in self._record["stretches"])
        seconds = round(earlier + time.monotonic() - self._began, 3)
        files = self._record["files"]
        try:
            if (facts := self.metrics_facts())["bytes"]:
                self.sync_metrics()
                files = {**files, METRICS: facts}
            self.update(**record, state=state, ended=now(), seconds=seconds, files=files)
        finally:
            end_writing(self.path)
        return self.run

    def amend(self, **record: Any) -> Run | None:
        """Set entries of a run that is finished; None where others have taken it since.

        Who goes on with it or removes it holds the same lock.

        Raises:
            StorageError: it can't be written.
        """
        with registry_lock():
            if not self.path.exists() or not self._is_ours(self.run.record):
                return None
            self.update(**record)
            return self.run

    def _is_ours(self, record: Mapping[str, Any]) -> bool:
        return all(record.get(key) == self._record.get(key) for key in ("began", "ended"))

    def discard(self) -> bool:
        """Remove a run that has stored nothing but its recipe; say whether it was one.

        A run with metrics or weights is kept: `finish` it instead.
        """
        hidden = self.path.with_name(hidden_name(self.name))
        try:
            if {file.name for file in self.path.iterdir()} - {RECIPE, RECORD}:
                return False
            self.path.rename(hidden)  # at once, for whoever is listing runs
        except OSError:  # gone already, or not ours to remove
            return False
        end_writing(self.path)
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
        f"there is a run {name!r} already; `zoo runs show {name}` shows it, `zoo resume {name}` "
        "goes on with it if it was cut off. Choose another name, or none to have the next number."
    )


def _first_record(record: Mapping[str, Any]) -> dict[str, Any]:
    began = now()
    return {
        "state": "running",
        "zoo_version": version("zoo-registry"),
        "created": began,
        "began": began,
        "process": this_process(),
        "machine": machine_facts(),
        "stretches": [],
        **record,
    }


def _claim(
    folder: Path, name: str | None, stem: str, recipe_toml: str, record: Mapping[str, Any]
) -> tuple[Path, dict[str, Any]]:
    """Fill a hidden folder and rename it: nobody sees it half made, and only one can have it."""
    with _hidden_folder(folder, name or stem) as making:
        recipe = write_text(making / RECIPE, recipe_toml)
        while True:
            path = folder / (name or next_name(folder, stem))
            full = {
                "name": path.name,
                **_from_recipe(recipe_toml),
                **record,
                "files": {RECIPE: facts_of(recipe)},
            }
            _write_record(making, full)
            if _renamed(making, path):
                sync_folder(folder)
                return path, full
            if name is not None:
                raise _taken(name)


def _from_recipe(recipe_toml: str) -> dict[str, Any]:
    """Return what lists show of a recipe: a list of thousands reads the records alone."""
    recipe = tomllib.loads(recipe_toml)
    return {key: recipe[key] for key in ("model", "dataset", "monitor") if key in recipe}


@contextmanager
def _hidden_folder(folder: Path, name: str) -> Iterator[Path]:
    """Make a folder to build a run in, which is gone afterwards unless it was renamed."""
    making = folder / hidden_name(name)
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


def _write_record(folder: Path, record: Mapping[str, Any]) -> None:
    write_text(folder / RECORD, seal(record))
