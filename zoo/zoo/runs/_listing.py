"""Finding runs."""

import contextlib
import os
from pathlib import Path

from zoo_registry import nearest

from .._files import reason
from ..errors import StorageError, UnknownName
from ..home import runs_dir
from ._names import is_name
from ._run import RECORD, Run, open_run


def list_runs() -> list[Run]:
    """Return all runs, the newest first; damaged ones among them, with the reason."""
    runs = []
    for folder in _folders():
        with contextlib.suppress(UnknownName):  # removed meanwhile
            runs.append(open_run(folder))
    return sorted(runs, key=lambda run: (run.created, run.name), reverse=True)


def find_run(name: str | Path) -> Run:
    """Return the run of that name, or the one in that folder.

    A name is looked up first; `./name` is always a folder.

    Raises:
        UnknownName: there is none; the text gives the nearest names.
    """
    if isinstance(name, str) and is_name(name) and (runs_dir() / name).is_dir():
        return open_run(runs_dir() / name)
    if os.path.isfile(Path(name) / RECORD):  # noqa: PTH113 - Path's raises on too long a name
        return open_run(name)
    names = [folder.name for folder in _folders()]
    close = nearest(str(name), names)
    hint = f"; closest: {', '.join(close)}" if close else ""
    raise UnknownName(f"no run {str(name)!r}{hint}. `zoo runs` shows all {len(names)}.")


def _folders() -> list[Path]:
    """Return the folders of runs; those being made or removed begin with a dot."""
    folder = runs_dir()
    try:
        return [entry for entry in folder.iterdir() if entry.is_dir() and entry.name[0] != "."]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StorageError(f"can't read {folder}: {reason(error)}. Check ZOO_HOME.") from error
