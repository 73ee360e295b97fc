"""What was pulled: `<home>/hub/USER--NAME/COMMIT/`, whole or not there, and what each name meant.

A branch comes to mean another commit with each push to it. What it meant when it was last pulled
whole is remembered beside the commits, so that it can be used while the hub can't.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote

from .._files import storage_error, sync_folder, temporary_name, write_text
from .._sealed import seal, unseal
from ..home import home, home_error, make_folder
from ..runs import sweep
from ._manifest import WEIGHTS
from ._place import Place, is_commit

CARD = "zoo-card.json"
"""In a copy of a repository that zoo did not write: the card, made from its `config.json`."""
_NAMES = "names"


class Copy(NamedTuple):
    """A commit that is on this machine."""

    commit: str
    folder: Path
    pulled: str
    """When its name was last known to mean it, as ISO 8601 in UTC; empty where that is not."""

    @property
    def card(self) -> str | None:
        """The card made for a repository that zoo did not write; None for zoo's own."""
        try:
            return (self.folder / CARD).read_text("utf-8")
        except OSError:
            return None


def copy_of(place: Place) -> Copy | None:
    """Return what a place means, as far as it is known and here."""
    commit, pulled = place.revision, ""
    if not place.is_pinned:
        try:
            known = unseal(_name_file(place).read_bytes())
        except (OSError, ValueError):
            return None
        commit, pulled = str(known.get("commit")), str(known.get("pulled"))
    if not is_commit(commit):
        return None
    folder = folder_of(place.repo, commit)
    return Copy(commit, folder, pulled) if (folder / WEIGHTS).is_file() else None


def folder_of(repo: str, commit: str) -> Path:
    """Return where a commit is kept; it may not be there."""
    return _repo_folder(repo) / commit


def remember(place: Place, commit: str, pulled: str) -> None:
    """Note that a branch or a tag means a commit.

    Raises:
        StorageError: it can't be written.
    """
    if not place.is_pinned:
        file = _name_file(place)
        make_folder(file.parent)
        write_text(file, seal({"revision": place.revision, "commit": commit, "pulled": pulled}))


@contextmanager
def incoming() -> Iterator[Path]:
    """Make a folder for files on their way, and take it away again.

    Raises:
        StorageError: it can't be made.
    """
    parent = make_folder(home() / "hub")
    sweep(parent)
    folder = parent / temporary_name("pull")
    try:
        folder.mkdir()
        yield folder
    except OSError as error:
        raise home_error(folder, error) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sync_file(file: Path) -> None:
    """Get a file's bytes onto the disk; where that can't be, `keep` says so."""
    with suppress(OSError):
        _sync(file)


def _sync(file: Path) -> None:
    descriptor = os.open(file, os.O_RDWR)  # Windows syncs what may be written only
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def keep(folder: Path, repo: str, commit: str) -> Path:
    """Put a folder of whole files in its place, durably; return where it is.

    Raises:
        StorageError: it can't be put there.
    """
    target = folder_of(repo, commit)
    make_folder(target.parent)
    try:
        for file in folder.iterdir():
            _sync(file)
        sync_folder(folder)
        if target.exists():  # it was found to be damaged, or somebody was as quick
            aside = target.with_name(temporary_name(commit))
            target.rename(aside)
            shutil.rmtree(aside, ignore_errors=True)
        folder.rename(target)
        sync_folder(target.parent)
    except OSError as error:
        raise storage_error(target, error, "Set ZOO_HOME to a folder you can write to") from error
    return target


def write_card_file(folder: Path, card: dict[str, object]) -> None:
    """Put the card of a repository that zoo did not write beside its files."""
    write_text(folder / CARD, json.dumps(card))


def pulled_places() -> list[str]:
    """Return what can be named without asking a hub: `USER/REPO`, and `USER/REPO@REVISION`."""
    found = []
    with suppress(OSError):
        for repo in sorted((home() / "hub").iterdir()):
            user, dashes, name = repo.name.partition("--")
            if not dashes or repo.name.startswith("."):
                continue
            with suppress(OSError):
                names = sorted((repo / _NAMES).iterdir())
                revisions = [unquote(file.stem) for file in names if file.suffix == ".json"]
                found += [str(Place(f"{user}/{name}", revision)) for revision in revisions]
    return found


def _repo_folder(repo: str) -> Path:
    return home() / "hub" / repo.replace("/", "--")


def _name_file(place: Place) -> Path:
    return _repo_folder(place.repo) / _NAMES / f"{quote(place.revision, safe='')}.json"
