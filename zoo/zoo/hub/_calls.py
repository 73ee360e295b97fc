"""What is asked of the client's library, call by call. Runs in the process of `_child` alone."""

import io
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import huggingface_hub
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.hf_api import RepoFile

from ._session import Tell
from ._stream import stream

_MOST_FILES = 100_000
"""Of a repository; a list that has no end is none."""
_TELL_SECONDS = 0.1
_BUFFER = 1 << 16
"""Bytes read at a time: on a slow link each says that it moves."""


class AlteredFile(Exception):
    """A file is not what is recorded of it."""


def has_token(tell: Tell) -> bool:  # noqa: ARG001 - each call is given it
    """Say whether the client has a token; what it is stays here."""
    return bool(huggingface_hub.get_token())


def look(tell: Tell, repo: str, revision: str) -> dict[str, Any]:  # noqa: ARG001 - likewise
    """Return `commit`, `private` and `files`: what a revision is, each file with its digest."""
    api = HfApi()
    info = api.model_info(repo, revision=revision)
    tree = api.list_repo_tree(repo, revision=info.sha, recursive=True)
    entries = list(islice(tree, _MOST_FILES + 1))
    if len(entries) > _MOST_FILES:
        raise ValueError(f"{repo} has more than {_MOST_FILES:,} files")
    files = [entry for entry in entries if isinstance(entry, RepoFile)]
    return {
        "commit": info.sha,
        "private": bool(info.private),
        "files": [
            {
                "path": file.path,
                "size": file.size,
                "blob": file.blob_id,
                "sha256": file.lfs.sha256 if file.lfs else None,
            }
            for file in files
        ],
    }


def since(tell: Tell, repo: str, revision: str, parent: str) -> list[str]:  # noqa: ARG001
    """Return a branch's commits behind one of them, the oldest first; none, where it is gone."""
    commits = [commit.commit_id for commit in HfApi().list_repo_commits(repo, revision=revision)]
    return commits[: commits.index(parent)][::-1] if parent in commits else []


def create(tell: Tell, repo: str, private: bool) -> None:  # noqa: ARG001 - likewise
    """Make a repository; one that is there stays as it is."""
    HfApi().create_repo(repo, private=private, exist_ok=True)


def branch(tell: Tell, repo: str, name: str) -> None:  # noqa: ARG001 - likewise
    """Make a branch that begins where the default one is; one that is there stays as it is."""
    HfApi().create_branch(repo, branch=name, exist_ok=True)


def commit(
    tell: Tell,
    repo: str,
    revision: str,
    parent: str,
    message: str,
    files: Sequence[Sequence[str]],
    delete: Sequence[str],
) -> str:
    """Send files, as one commit on `parent`; return the commit's name.

    Files that are there already are not sent again; where all are, the head's name is returned.

    Args:
        tell: told of the bytes sent.
        repo: where to.
        revision: the branch.
        parent: the commit that the branch must be at.
        message: of the commit; what follows its first line describes it.
        files: names in the repository, each with a path here and the sha256 that it must have.
        delete: names of files to take away.

    Raises:
        AlteredFile: a file has another digest.
    """
    sent = _Sent(tell)
    additions = []
    for name, path, sha256 in files:
        addition = _Watched(path_in_repo=name, path_or_fileobj=path)
        if (found := addition.upload_info.sha256.hex()) != sha256:
            raise AlteredFile(f"{name} has the sha256 {found}, {sha256} was stored")
        addition.sent = sent
        additions.append(addition)
    removals = [CommitOperationDelete(name, is_folder=False) for name in delete]
    summary, _, description = message.strip().partition("\n")
    done = HfApi().create_commit(
        repo,
        [*additions, *removals],
        commit_message=summary,
        commit_description=description.strip(),
        revision=revision,
        parent_commit=parent,
    )
    return str(done.oid)


class _Sent:
    """How many bytes have been sent, told now and then."""

    def __init__(self, tell: Tell) -> None:
        self._tell, self._bytes, self._told = tell, 0, 0.0

    def add(self, count: int) -> None:
        self._bytes += count

    def told(self) -> None:
        if (now := time.monotonic()) - self._told > _TELL_SECONDS:
            self._told = now
            self._tell({"event": "bytes", "bytes": self._bytes})


class _Counting(io.FileIO):
    def __init__(self, path: str, sent: _Sent) -> None:
        super().__init__(path)
        self._sent = sent

    def readinto(self, buffer: Any) -> int | None:
        count = super().readinto(buffer)
        self._sent.add(count or 0)
        self._sent.told()
        return count

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Take back what is sent again."""
        before = self.tell()
        after = super().seek(offset, whence)
        self._sent.add(after - before)
        return after


class _Watched(CommitOperationAdd):
    """A file that tells of its bytes as they are sent."""

    sent: _Sent

    @contextmanager
    def as_file(self, with_tqdm: bool = False) -> Iterator[BinaryIO]:
        """Open the file; the library asks for its bar where it sends the file's bytes."""
        assert isinstance(self.path_or_fileobj, str | Path)
        if not with_tqdm:
            with super().as_file() as file:
                yield file
            return
        with io.BufferedReader(_Counting(str(self.path_or_fileobj), self.sent), _BUFFER) as file:
            yield file


CALLS: dict[str, Callable[..., Any]] = {
    "branch": branch,
    "commit": commit,
    "create": create,
    "has_token": has_token,
    "look": look,
    "since": since,
    "stream": stream,
}
