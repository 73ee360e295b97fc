"""Which trackers follow a training: every name found, every option checked, nothing imported.

Tracking defines no training: it is no part of a recipe, and its options, `track.NAME.OPTION`, are
told from a recipe's. A run's record has it, so that the run is gone on with as it was followed.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from zoo_registry import InvalidOption, Registry, options_of, resolve

from ._options import check_options
from ._ranks import rank
from .home import user_path

PREFIX = "track."

Trackers: TypeAlias = Mapping[str, Mapping[str, Any]]
"""The options of each tracker, by its qualified name."""


def part_options(settings: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Tell the settings of a training from the options of trackers."""
    options = {key: value for key, value in settings.items() if key.startswith(PREFIX)}
    return {key: value for key, value in settings.items() if key not in options}, options


def choose_trackers(
    names: Iterable[str],
    options: Mapping[str, Any],
    registry: Registry,
    before: Trackers | None = None,
) -> dict[str, dict[str, Any]]:
    """Return the trackers that are asked for, with their options checked.

    Args:
        names: of trackers, bare or qualified.
        options: by their keys, `track.NAME.OPTION`.
        registry: the installed plugins.
        before: those of the run that is gone on with, which stay switched on.

    Raises:
        UnknownName: no plugin offers such a tracker.
        InvalidOption: an option it does not have, or of one that is not switched on.
    """
    entries = {entry.name: entry for entry in (registry.find("tracker", n) for n in names)}
    entries |= {name: registry.find("tracker", name) for name in before or ()}
    chosen = {name: dict((before or {}).get(name, {})) for name in entries}
    for key, value in options.items():
        name, _, option = key.removeprefix(PREFIX).rpartition(".")
        if not (key.startswith(PREFIX) and name and option):
            raise InvalidOption(f"{key!r} is no option of a tracker; write {PREFIX}NAME.OPTION")
        found = registry.find("tracker", name).name
        if found not in chosen:
            raise InvalidOption(f"{key} is for a tracker that is not switched on: --track {name}")
        chosen[found][option] = value
    for name, entry in entries.items():
        key = f"{PREFIX}{entry.spec.name}"
        checked = check_options(name, key, options_of(entry.spec), chosen[name])
        chosen[name] = {option: _absolute(value) for option, value in checked.items()}
    return chosen


def require_libraries(trackers: Trackers, registry: Registry) -> None:
    """Import what trackers are made of: a library that is missing is said before all else.

    On the first rank, which builds them.

    Raises:
        ZooError: it is not installed; the text says how to.
    """
    for name in () if rank() else trackers:
        resolve(registry.find("tracker", name).spec.address)


def recorded(trackers: Trackers) -> dict[str, dict[str, Any]]:
    """Return trackers and their options as `run.json` holds them."""
    return {
        name: {k: str(v) if isinstance(v, Path) else v for k, v in options.items()}
        for name, options in trackers.items()
    }


def _absolute(value: Any) -> Any:
    """Make a path mean the same wherever the run is gone on with."""
    return user_path(value).absolute() if isinstance(value, Path) else value
