"""From a run's name to the training that goes on with it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo_registry import InvalidData

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


def resumed_root(run: Run, given: Path | None) -> Path | None:
    """Return the folder handed to datasets: the one given now, else the one from before."""
    recorded = run.record.get("data_dir")
    return given or (Path(recorded) if isinstance(recorded, str) else None)
