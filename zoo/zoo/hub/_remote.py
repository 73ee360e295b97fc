"""Files as a hub lists them: each by its size and a digest, of which there are two kinds."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

from .._files import reason
from ..errors import CorruptWeights
from ._place import host, is_commit

_SHA1 = re.compile("[0-9a-f]{40,64}")
_SHA256 = re.compile("(?:[0-9a-f]{64})?")


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
                found = "more" if size > self.size else f"{size:,}"
                return f"it has {found} bytes, {self.size:,} are listed"
            with file.open("rb") as stream:
                begun = partial(_begin_blob, size) if self.sha256 is None else "sha256"
                digest = hashlib.file_digest(stream, begun).hexdigest()
        except OSError as error:
            return reason(error)
        listed = self.sha256 or self.blob
        return "" if digest == listed else "its digest is not the one that is listed"

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
        commit = str(found["commit"])
        if not is_commit(commit):  # it is to be a folder's name
            raise CorruptWeights(
                f"{host()} says {commit[:80]!r} where a commit should be. Check HF_ENDPOINT"
            )
        files = [RemoteFile(**file) for file in found["files"]]
        for file in files:
            if not _is_file(file):
                raise CorruptWeights(
                    f"{host()} lists {str(file.path)[:80]!r} with a size or a digest that no file "
                    "has. Check HF_ENDPOINT"
                )
        return cls(commit, found["private"], {file.path: file for file in files})


def git_digest(data: bytes) -> str:
    """Return the digest by which git knows a file."""
    digest = _begin_blob(len(data))
    digest.update(data)
    return digest.hexdigest()


def _begin_blob(size: int) -> "hashlib._Hash":
    return hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)


def _is_file(file: RemoteFile) -> bool:
    """Say whether what a hub said of a file is of the kind that it should be."""
    digests = (file.blob, _SHA1), (file.sha256 or "", _SHA256)
    is_known = all(isinstance(found, str) and kind.fullmatch(found) for found, kind in digests)
    return is_known and type(file.size) is int and file.size >= 0 and isinstance(file.path, str)


def require_listed(remote: RemoteFile, file: Path) -> None:
    """Compare a downloaded file with the listing.

    Raises:
        CorruptWeights: it has other bytes, or can't be read.
    """
    if fault := remote.fault_in(file):
        raise CorruptWeights(
            f"{remote.path} did not arrive as the hub lists it: {fault}. Nothing of it was used; "
            "try again"
        )
