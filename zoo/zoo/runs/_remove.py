"""Removing runs: nothing that an alias means, nothing that is being trained, never by halves."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from .._files import reason, sync_folder
from ..errors import StorageError, UsageError
from ..home import home_error, runs_dir
from ._aliases import aliases_of, damaged, is_at_home, list_aliases
from ._hidden import hidden_name, sweep
from ._lock import registry_lock
from ._run import Run, open_run
from ._stretches import being_trained


def remove_runs(runs: Sequence[Run], *, force: bool = False) -> None:
    """Delete runs with all of their files; where one is refused, all are kept.

    They leave the list at once and together with their names; a kill afterwards leaves nothing
    but a hidden folder, which the next training or removal deletes.

    Args:
        runs: of this home; damaged ones, too.
        force: also those that are recorded as running.

    Raises:
        UsageError: an alias means one of them, it is being trained, or it is elsewhere.
        CorruptWeights: an alias is damaged, so that nobody knows what it means.
        StorageError: something can't be deleted.
    """
    hidden: list[Path] = []
    try:
        with registry_lock():
            _require_known_aliases()
            for run in runs:
                _require_removable(run, force=force)
            hidden.extend(map(_hide, _paths(runs)))
    finally:
        for path in hidden:
            _delete(path)
    sweep()


def _paths(runs: Sequence[Run]) -> list[Path]:
    """Return the runs' folders, each once."""
    return list(dict.fromkeys(run.path for run in runs))


def _require_known_aliases() -> None:
    for alias in list_aliases():
        if alias.fault:
            raise damaged(alias)


def _require_removable(run: Run, *, force: bool) -> None:
    if not is_at_home(run):
        raise UsageError(
            f"{run.path} is not among the runs of this ZOO_HOME, whose folder is {runs_dir()}; "
            "what is elsewhere is yours to delete."
        )
    if aliases := aliases_of(run):
        commands = ", ".join(f"`zoo runs untag {alias}`" for alias in aliases)
        raise UsageError(
            f"the run {run.name} is held by {', '.join(aliases)}: {commands} first, or give the "
            "alias to another run."
        )
    current = open_run(run.path)
    if current.state == "running" and not force:
        raise being_trained(current)


def _hide(path: Path) -> Path:
    """Take a run out of the list, durably."""
    hidden = path.with_name(hidden_name(path.name))
    try:
        path.rename(hidden)
        sync_folder(path.parent)
    except OSError as error:
        raise home_error(path, error) from error
    return hidden


def _delete(hidden: Path) -> None:
    try:
        if hidden.is_symlink():
            hidden.unlink()
        else:
            shutil.rmtree(hidden)
    except OSError as error:
        raise StorageError(
            f"the run is out of the list, but not all of {hidden} can be deleted: "
            f"{reason(error)}. Delete it yourself."
        ) from error
