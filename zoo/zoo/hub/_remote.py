"""Files as a hub lists them: each by its size and a digest, of which there are two kinds."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from .._files import reason, storage_error
from ..errors import CorruptWeights
from ._place import is_commit


@dataclass(frozen=True)
class RemoteFile:
    """A file of a commit."""

    path: str
    size: int
    """In bytes."""
    blob: str
    """Git's digest: of the file, or where it has a sha256, of a pointer to it."""
    sha256: str | None

    def fault_in(self, file: Path) -> str:
        """Say in what a file here differs from it; nothing where it does not."""
        try:
            if (size := file.stat().st_size) != self.size:
                return f"it has {size:,} bytes, {self.size:,} are listed"
            with file.open("rb") as stream:
                if self.sha256 is None:
                    found, listed = git_digest(stream.read()), self.blob
                else:
                    found = hashlib.file_digest(stream, "sha256").hexdigest()
                    listed = self.sha256
        except OSError as error:
            return reason(error)
        return "" if found == listed else "its digest is not the one that is listed"

    def holds(self, sha256: str, size: int, blob: str) -> bool:
        """Say whether it is a file with these digests."""
        if self.sha256 is not None:
            return self.sha256 == sha256
        return (self.size, self.blob) == (size, blob)


@dataclass(frozen=True)
class Listing:
    """A commit and its files."""

    commit: str
    private: bool
    files: Mapping[str, RemoteFile]

    @classmethod
    def read(cls, found: Mapping[str, Any]) -> Self:
        """Make one of what `look` returned.

        Raises:
            CorruptWeights: it is no commit with files.
        """
        try:
            files: Sequence[Mapping[str, Any]] = found["files"]
            listed = {file["path"]: RemoteFile(**file) for file in files}
            commit = str(found["commit"])
        except (KeyError, TypeError) as error:
            raise CorruptWeights(f"the hub's list of files can't be read: {error}") from error
        if not is_commit(commit):  # it is to be a folder's name
            raise CorruptWeights(f"the hub says {commit[:80]!r} where a commit should be")
        return cls(commit, found["private"], listed)


def git_digest(data: bytes) -> str:
    """Return the digest by which git knows a file."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def require_listed(remote: RemoteFile, file: Path) -> None:
    """Compare a downloaded file with the listing.

    Raises:
        CorruptWeights: it has other bytes.
        StorageError: it can't be read.
    """
    try:
        fault = remote.fault_in(file)
    except OSError as error:
        raise storage_error(file, error) from error
    if fault:
        raise CorruptWeights(
            f"{remote.path} did not arrive as the hub lists it: {fault}. Nothing of it was used; "
            "pull it again"
        )
