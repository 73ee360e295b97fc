"""`metrics.jsonl`, to which a run adds a line an epoch."""

import hashlib
import os
from collections.abc import Mapping
from io import FileIO
from pathlib import Path
from typing import Any, Self

from .._files import storage_error, sync_folder
from .._json import to_json
from ..errors import CorruptWeights, StorageError


class MetricsFile:
    """The one who writes a run's history, and knows its digest at any time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._size = 0
        self._digest = hashlib.sha256()

    @classmethod
    def kept(cls, path: Path, size: int, sha256: str | None = None) -> Self:
        """Return the history of a run that goes on, of which the first `size` bytes hold.

        Nothing is changed yet: `cut` does.

        Raises:
            CorruptWeights: it is shorter, or its digest is not `sha256`.
            StorageError: it can't be read.
        """
        metrics = cls(path)
        try:
            with path.open("rb") as stream:
                metrics._add(stream.read(size))
        except FileNotFoundError:  # no epoch has ended
            pass
        except OSError as error:
            raise storage_error(path, error) from error
        facts = metrics.facts()
        if facts["bytes"] != size or sha256 not in (None, facts["sha256"]):
            raise CorruptWeights(
                f"{path} does not begin with the {size} bytes that a checkpoint recorded. Put "
                f"a copy of it there, or train again: `zoo train {path.with_name('recipe.toml')}`."
            )
        return metrics

    def facts(self) -> dict[str, Any]:
        """Return the size in `bytes` and the `sha256` of what was written so far."""
        return {"bytes": self._size, "sha256": self._digest.hexdigest()}

    def append(self, row: Mapping[str, Any]) -> None:
        """Add a line; other programs see it at once, `sync` gets it onto the disk.

        Raises:
            StorageError: it can't be written, or somebody else has written into the file; the
                lines before it stay as they are.
        """
        line = f"{to_json(row)}\n".encode()
        try:
            with self.path.open("ab", buffering=0) as stream:
                self._require_alone(stream)
                append_whole(stream, line)
        except OSError as error:
            raise storage_error(self.path, error) from error
        self._add(line)

    def cut(self) -> None:
        """Take away, durably, what was added after the part that holds.

        Raises:
            StorageError: it can't be written.
        """
        try:
            if self._size or self.path.exists():
                with self.path.open("r+b") as stream:
                    stream.truncate(self._size)
                    os.fsync(stream.fileno())
        except OSError as error:
            raise storage_error(self.path, error) from error

    def sync(self) -> None:
        """Get what was appended onto the disk. Any thread may do so, beside one that appends.

        Raises:
            StorageError: the disk does not take it.
        """
        if not self._size:
            return
        try:
            with self.path.open("r+b") as stream:
                os.fsync(stream.fileno())
            sync_folder(self.path.parent)
        except OSError as error:
            raise storage_error(self.path, error) from error

    def _add(self, data: bytes) -> None:
        self._digest.update(data)
        self._size += len(data)

    def _require_alone(self, stream: FileIO) -> None:
        if (size := os.fstat(stream.fileno()).st_size) != self._size:
            raise StorageError(
                f"{self.path} has {size} bytes where this run has written {self._size}: another "
                "program writes into it. Train again under a name of its own."
            )


def append_whole(stream: FileIO, line: bytes) -> None:
    """Add bytes to a file opened to append, all of them or none."""
    before = os.fstat(stream.fileno()).st_size
    try:
        while line:  # a disk that is almost full takes a part first, and then refuses
            line = line[stream.write(line) :]
    except OSError:
        stream.truncate(before)
        raise
