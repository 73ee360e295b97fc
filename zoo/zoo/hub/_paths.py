"""Where things were on somebody's disk: a card does not show it, and a push says what does."""

import re
from collections.abc import Iterator
from typing import Any

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


def paths_in(value: Any) -> Iterator[str]:
    """Yield the texts that have a path in them."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from paths_in(item)
    elif isinstance(value, str) and _PATH.search(value):
        yield value
