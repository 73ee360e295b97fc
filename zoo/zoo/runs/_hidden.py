"""Names of what is being made or removed, and clearing away what nobody goes on with."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from .._files import temporary_name
from ..home import runs_dir
from ._machine import exists, host

_HIDDEN = re.compile(r"\.(?P<stem>.+)\.(?P<pid>[0-9]{1,20})\.[0-9a-f]{8}\.partial")


def hidden_name(name: str) -> str:
    """Return a name for a run's folder while it is made or removed: no list shows it.

    It says which process on which machine is at it, for many machines may share the folder.
    """
    return temporary_name(f"{name}.{host()}")


def sweep(folder: Path | None = None, *, shared: bool = False) -> list[Path]:
    """Delete temporary files and folders whose process has died; return what is gone.

    Args:
        folder: a run's folder, or another that only processes of this machine write into; it
            is searched to any depth. None: the folder of the runs, which is shared.
        shared: whether other machines may write into it, too: of what is in it, only what has a
            `hidden_name` of this machine is taken.
    """
    if folder is None or shared:
        entries = _entries(runs_dir() if folder is None else folder)
        left = [path for path in entries if _is_abandoned(path.name, host())]
    else:
        left = list(_below(folder, _is_abandoned))
    for path in left:
        _delete(path)
    return [path for path in left if not os.path.lexists(path)]


def _is_abandoned(name: str, of_host: str = "") -> bool:
    found = _HIDDEN.fullmatch(name)
    if found is None or not found["stem"].endswith(of_host):
        return False
    return not exists(int(found["pid"]))


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:  # gone meanwhile, or never there
        return []


def _below(folder: Path, wanted: Callable[[str], bool]) -> Iterator[Path]:
    """Yield what is wanted at any depth, but nothing inside of what was yielded."""
    for path in _entries(folder):
        if wanted(path.name):
            yield path
        elif path.is_dir() and not path.is_symlink():
            yield from _below(path, wanted)


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
        return
    with suppress(OSError):
        path.unlink()
