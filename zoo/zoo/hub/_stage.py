"""What a push sends: copies that nobody changes meanwhile, gone when it is over."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from .._digests import fault_in
from .._files import storage_error
from ..errors import CorruptWeights
from ..home import home, make_folder
from ..runs import hidden_name, sweep
from ._remote import RemoteFile, git_digest

REMEDY = "Free some space, or set ZOO_HOME to a folder on another disk"


@dataclass(frozen=True)
class Staged:
    """A file to be sent."""

    path: Path
    sha256: str
    size: int
    """In bytes."""
    blob: str
    """Git's digest; empty for a file that is too large to be kept by git."""

    def is_at(self, remote: RemoteFile | None) -> bool:
        """Say whether a file on the hub is this one."""
        return remote is not None and remote.holds(self.sha256, self.size, self.blob)


_LARGEST_IN_GIT = 20_000_000
"""Bytes; hubs keep files of less than 10 MB in git, and larger ones by their sha256."""


@dataclass
class Stage:
    """A folder of copies."""

    folder: Path
    files: dict[str, Staged] = field(default_factory=dict)

    def write(self, name: str, data: bytes) -> None:
        """Put a file of these bytes among what is sent.

        Raises:
            StorageError: there is no room for it.
        """
        path = self.folder / name
        try:
            path.write_bytes(data)
        except OSError as error:
            raise storage_error(path, error, REMEDY) from error
        self.files[name] = Staged(path, sha256(data).hexdigest(), len(data), git_digest(data))

    def copy(self, name: str, source: Path, facts: Mapping[str, Any]) -> None:
        """Put a run's file among what is sent.

        A small one is compared with its record here; of a large one, whose bytes the client reads
        for their digest anyway, only the size is.

        Raises:
            CorruptWeights: it is not what the run stored.
            StorageError: it can't be read, or there is no room for a copy.
        """
        path = self.folder / name
        if source.is_symlink():
            raise CorruptWeights(f"{source} is a link; only files that a run stored are pushed")
        try:
            # A copy, no second name for the same bytes: who has the file open may write to it.
            shutil.copyfile(source, path)
            size, blob = path.stat().st_size, ""
            if size <= _LARGEST_IN_GIT:
                with path.open("rb") as stream:
                    fault = fault_in(stream, facts)
                blob = git_digest(path.read_bytes())
            else:
                wrong = size != facts.get("bytes")
                fault = f"it has {size} bytes, {facts.get('bytes')} were stored" if wrong else ""
        except OSError as error:
            raise storage_error(path, error, REMEDY) from error
        if fault:
            raise CorruptWeights(
                f"{source} is not what the run stored: {fault}. Nothing was pushed. Copy the run "
                "again from where it is whole."
            )
        self.files[name] = Staged(path, str(facts["sha256"]), size, blob)


@contextmanager
def staging() -> Iterator[Stage]:
    """Make a folder for copies, below the home, and take it away again.

    What a killed process has left there goes, too.

    Raises:
        StorageError: it can't be made.
    """
    parent = make_folder(home() / "hub")
    sweep(parent, shared=True)
    folder = parent / hidden_name("push")
    try:
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise storage_error(folder, error, REMEDY) from error
    try:
        yield Stage(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
