"""From a run's name to the training that goes on with it."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from zoo_registry import InvalidData, Registry, UnknownName, UsageError

from ._tracked import choose_trackers
from .recipe import OBJECT, flat_settings
from .runs import RECIPE, Run, find_run, require_resumable, verify_files


def resumable(source: str | Path, *, force: bool = False) -> Run:
    """Find a run that can go on.

    Raises:
        UnknownName: there is none of that name.
        UsageError: it is done, or being trained, unless by force.
        CorruptWeights: its record or its recipe is damaged.
    """
    run = find_run(source)
    require_resumable(run, force=force)
    verify_files(run, only=(RECIPE,))
    return run


def require_done(run: Run) -> None:
    """Check that a run came to its end, so that training its recipe again can be compared with it.

    Raises:
        UsageError: it did not.
    """
    if run.state not in ("done", "damaged"):  # what is damaged is said by whoever reads it
        raise UsageError(
            f"the run {run.name} is {run.state}, so what would have become of it is not known; "
            f"`zoo resume {run.name}` brings it to its end"
        )


def resumed_settings(
    run: Run, changes: Mapping[str, Any], objects: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the settings that a run goes on with.

    Args:
        run: whose recipe it is.
        changes: of how it is computed: `device`, `parallel`, `ranks`, `workers`; None: as before.
        objects: the parts that were given as Python objects.

    Raises:
        InvalidData: a part was given as an object, and is not given now.
    """
    settings = flat_settings(run.recipe) | {k: v for k, v in changes.items() if v is not None}
    for key, value in settings.items():
        part = key.rpartition(".")[2]
        if isinstance(value, str) and value.startswith(OBJECT) and part not in objects:
            raise InvalidData(
                f"{run.name} was trained with a {part} of your own, "
                f"{value.removeprefix(OBJECT)}; do this from Python, with the same {part}: "
                f"zoo.resume({run.name!r}, {part}=…) or zoo.reproduce"
            )
    return settings


def resumed_trackers(
    run: Run,
    names: Iterable[str],
    options: Mapping[str, Any],
    registry: Registry,
    *,
    keep: bool = True,
) -> dict[str, dict[str, Any]]:
    """Return the trackers that a run goes on with.

    Args:
        run: whose record says which it had.
        names: of more of them.
        options: by their keys, `track.NAME.OPTION`, laid over those from before.
        registry: the installed plugins.
        keep: whether it goes on with those from before.

    Raises:
        UnknownName: one of them is not installed.
        InvalidOption: as `choose_trackers`.
    """
    before = run.record.get("trackers", {}) if keep else {}
    try:
        return choose_trackers(names, options, registry, before)
    except UnknownName as error:
        if not set(before) - {entry.name for entry in registry.select(kind="tracker")}:
            raise
        raise UnknownName(f"{error} --no-track goes on without those from before.") from error


def resumed_root(run: Run, given: Path | None) -> Path | None:
    """Return the folder handed to datasets: the one given now, else the one from before."""
    recorded = run.record.get("data_dir")
    return given or (Path(recorded) if isinstance(recorded, str) else None)
