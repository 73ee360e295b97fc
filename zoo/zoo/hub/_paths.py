"""Where things were on somebody's disk: a card does not show it, and a push says what does."""

import re
from collections.abc import Iterator
from typing import Any

from ._manifest import CONFIG, RECIPE, WEIGHTS
from ._subject import Subject

_PATH = re.compile(
    r"""(?<![^\s:=,;'"(\[])   # at the beginning, or after what separates
    (?: /[^/\s] | ~[\w.-]*(?:[/\\]|$) | [A-Za-z]:[\\/] | \\\\[^\\\s] | file: )""",
    re.VERBOSE,
)
HIDDEN = "…"


def without_paths(value: Any) -> Any:
    """Return tables, lists and texts in which each text with a path in it is hidden."""
    if isinstance(value, dict):
        return {key: without_paths(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(without_paths(item) for item in value)
    return HIDDEN if isinstance(value, str) and _PATH.search(value) else value


def places_told(subject: Subject) -> str:
    """Say which of the files that are sent name places on this machine; empty: none does."""
    found = {
        RECIPE: list(paths_in(dict(subject.run.recipe))),
        WEIGHTS: list(paths_in(dict(subject.card))),
        CONFIG: list(paths_in(subject.options)),
    }
    files = [name for name, paths in found.items() if paths]
    if not files:
        return ""
    places = list(dict.fromkeys(path for paths in found.values() for path in paths))
    more = f" and {len(places) - 1} more" if len(places) > 1 else ""
    return (
        f"note: what is sent names places on this machine: {', '.join(files)} ({places[0]}{more}). "
        "Who reads the repository sees them; a training with the data elsewhere names others"
    )


def paths_in(value: Any) -> Iterator[str]:
    """Yield the texts that have a path in them."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from paths_in(item)
    elif isinstance(value, str) and _PATH.search(value):
        yield value
