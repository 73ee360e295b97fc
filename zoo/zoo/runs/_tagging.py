"""Giving aliases to runs and taking them away; what they meant before is kept."""

from dataclasses import asdict

from .._files import write_text
from .._sealed import seal
from ..errors import UnknownName, UsageError
from ..home import make_folder, runs_dir
from ._aliases import (
    SIGN,
    Alias,
    Change,
    alias_file,
    aliases_dir,
    damaged,
    find_alias,
    is_at_home,
    list_aliases,
    read_alias,
)
from ._hidden import sweep
from ._lock import registry_lock
from ._names import is_name
from ._run import WEIGHTS, Run, open_run
from ._verify import verify_files
from ._when import now


def tag(run: Run, name: str) -> Alias:
    """Make an alias mean a run, and exactly the weights that the run has now.

    An alias that meant another run is moved; whoever asks for it has the old one or the new one.
    The run's files are verified first.

    Args:
        run: of this home, with weights stored, and not being trained.
        name: of the alias, with or without its `@`.

    Raises:
        UsageError: nothing can be called that, or the run is none to be tagged.
        CorruptWeights: a file of the run is not what was stored, or the alias is damaged.
        StorageError: it can't be written.
    """
    name = _checked_name(name.removeprefix(SIGN))
    with registry_lock():
        weights = _weights_to_tag(run)
        return _add(_spelled(name), run.name, weights)


def untag(name: str) -> Alias:
    """Remove an alias; its history stays.

    Raises:
        UnknownName: there is none.
        CorruptWeights: it is damaged.
        StorageError: it can't be written.
    """
    with registry_lock():
        return _add(find_alias(name).name, None, None)


def _add(name: str, run: str | None, weights: str | None) -> Alias:
    """Add a change to an alias's history, unless it is what holds already."""
    before = read_alias(alias_file(name))
    if before is not None and before.fault:
        raise damaged(before)
    if before is not None and (before.run, before.weights) == (run, weights):
        return before
    history = (*(before.history if before else ()), Change(now(), run, weights))
    sweep(make_folder(aliases_dir()))
    changes = [asdict(change) for change in history]
    write_text(alias_file(name), seal({"alias": name, "history": changes}))
    return Alias(name, history)


def _checked_name(name: str) -> str:
    if is_name(name):
        return name
    raise UsageError(
        f"an alias can't be called {name!r}: up to 100 letters, digits, '.', '_' and '-', "
        "beginning with a letter or digit, such as 'production'."
    )


def _spelled(name: str) -> str:
    """Return an alias's name as it was first given, capitals and all."""
    known = {alias.name.casefold(): alias.name for alias in list_aliases()}
    return known.get(name.casefold(), name)


def _weights_to_tag(run: Run) -> str:
    """Return the digest of a run's weights, which are those on disk.

    Raises:
        UsageError: there are none, they may change yet, or the run is elsewhere.
        CorruptWeights: the run's files are not what was stored.
    """
    if not is_at_home(run):
        raise UsageError(
            f"{run.path} is not among the runs of this ZOO_HOME, whose folder is {runs_dir()}; "
            "only those can have an alias."
        )
    try:
        current = open_run(run.path)  # it may have been removed, or gone on with, meanwhile
    except UnknownName as error:
        raise UnknownName(
            f"the run {run.name} is gone. `zoo runs` shows those there are."
        ) from error
    if current.state == "running":
        raise UsageError(
            f"the run {run.name} is being trained, so its weights change yet; tag it when it has "
            "ended."
        )
    verify_files(current)
    if WEIGHTS not in current.record["files"]:
        raise UsageError(f"the run {run.name} is {current.state} and has stored no weights to tag.")
    return str(current.record["files"][WEIGHTS]["sha256"])
