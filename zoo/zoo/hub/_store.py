"""What was pulled: `<home>/hub/USER--NAME/COMMIT/`, whole or not there, and what each name meant.

A branch comes to mean another commit with each push to it. What it meant when it was last pulled
whole is remembered beside the commits, so that it can be used while the hub can't. What another hub
than the usual one has is kept apart, in `<home>/hub/@HOST/`: its names are its own.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote, unquote

from .._files import storage_error, sync_folder, write_text
from .._sealed import seal, unseal
from ..home import home, home_error, make_folder
from ..runs import hidden_name, sweep
from ._copy import Copy
from ._place import Place, hub_key, is_commit

_NAMES = "names"


def copy_of(place: Place) -> Copy | None:
    """Return what a place means, as far as it is known and here."""
    commit, pulled = place.revision, ""
    if not place.is_pinned:
        try:
            known = unseal(_name_file(place).read_bytes())
        except (OSError, ValueError):
            return None
        if (known.get("repo"), known.get("revision")) != place:  # as `V1` is, where case is lost
            return None
        commit, pulled = str(known.get("commit")), str(known.get("pulled"))
    if not is_commit(commit):
        return None
    folder = folder_of(place.repo, commit)
    return Copy(commit, folder, pulled) if folder.is_dir() else None


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
        write_text(file, seal({**place._asdict(), "commit": commit, "pulled": pulled}))


@contextmanager
def incoming() -> Iterator[Path]:
    """Make a folder for files on their way, and take it away again.

    Raises:
        StorageError: it can't be made.
    """
    parent = make_folder(home() / "hub")
    sweep(parent, shared=True)
    folder = parent / hidden_name("pull")
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

    Where another process was as quick, its files stay: somebody may be reading them.

    Raises:
        StorageError: it can't be put there.
    """
    target = folder_of(repo, commit)
    make_folder(target.parent)
    try:
        for file in folder.iterdir():
            _sync(file)
        sync_folder(folder)
        _put(folder, Copy(commit, target))
        sync_folder(target.parent)
    except OSError as error:
        raise storage_error(target, error, "Set ZOO_HOME to a folder you can write to") from error
    return target


def _put(folder: Path, copy: Copy) -> None:
    if copy.damage():
        aside = home() / "hub" / hidden_name("damaged")
        with suppress(FileNotFoundError):  # as it is most times; or another process was as quick
            copy.folder.rename(aside)
        shutil.rmtree(aside, ignore_errors=True)
    try:
        folder.rename(copy.folder)
    except OSError:  # a folder that is there is not replaced
        if copy.damage():
            raise


def pulled_places() -> list[str]:
    """Return what can be named without asking a hub: `USER/REPO`, and `USER/REPO@REVISION`."""
    found = []
    with suppress(OSError):
        for repo in sorted(_hub_folder().iterdir()):
            user, dashes, name = repo.name.partition("--")
            if not dashes or repo.name.startswith((".", "@")):
                continue
            with suppress(OSError):
                names = sorted((repo / _NAMES).iterdir())
                revisions = [unquote(file.stem) for file in names if file.suffix == ".json"]
                found += [str(Place(f"{user}/{name}", revision)) for revision in revisions]
    return found


def _hub_folder() -> Path:
    return home() / "hub" / hub_key()


def _repo_folder(repo: str) -> Path:
    return _hub_folder() / repo.replace("/", "--")


def _name_file(place: Place) -> Path:
    return _repo_folder(place.repo) / _NAMES / f"{quote(place.revision, safe='')}.json"
