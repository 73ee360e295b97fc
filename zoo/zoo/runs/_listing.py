"""Finding runs."""

import contextlib
import os
from pathlib import Path

from zoo_registry import nearest

from .. import hub
from .._files import reason
from ..errors import StorageError, UnknownName
from ..home import runs_dir, user_path
from ._aliases import SIGN, Alias, find_alias
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
    """Return the run of that name, the one that `@alias` means, or the one in that folder.

    A name is looked up first; `./name` is always a folder, and so is what begins with `~`.

    Raises:
        UnknownName: there is none; the text gives the nearest names. Also where an alias means
            a run that is gone.
        CorruptWeights: the alias's file is damaged.
    """
    if isinstance(name, str) and name.startswith(SIGN):
        return aliased_run(find_alias(name))
    if isinstance(name, str) and name.startswith("~"):
        name = user_path(name)
    if isinstance(name, str) and is_name(name) and (runs_dir() / name).is_dir():
        return open_run(runs_dir() / name)
    if os.path.isfile(Path(name) / RECORD):  # noqa: PTH113 - Path's raises on too long a name
        return open_run(name)
    if str(name).startswith(hub.SIGN):
        raise UnknownName(
            f"{str(name)!r} is on a hub, and only a run of this machine will do; `zoo info {name}` "
            "shows it, and zoo predict, eval, export and train --weights take it."
        )
    if os.path.isfile(name):  # noqa: PTH113 - as above
        raise UnknownName(f"{name} is a file, and only a run will do. `zoo runs` shows all.")
    names = [folder.name for folder in _folders()]
    close = nearest(str(name), names)
    hint = f"; closest: {', '.join(close)}" if close else ""
    raise UnknownName(f"no run {str(name)!r}{hint}. `zoo runs` shows all {len(names)}.")


def aliased_run(alias: Alias) -> Run:
    """Return the run that an alias means.

    Raises:
        UnknownName: it is gone.
    """
    try:
        return open_run(runs_dir() / str(alias.run))
    except UnknownName as error:
        raise UnknownName(
            f"the alias {alias.name} means the run {alias.run}, which is gone; `zoo runs tag RUN "
            f"{alias.name}` gives it to another, `zoo runs untag {alias.name}` removes it."
        ) from error


def _folders() -> list[Path]:
    """Return the folders of runs; those being made or removed begin with a dot."""
    folder = runs_dir()
    try:
        return [entry for entry in folder.iterdir() if entry.is_dir() and entry.name[0] != "."]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StorageError(f"can't read {folder}: {reason(error)}. Check ZOO_HOME.") from error
