"""timm's architectures, read from its source files: importing timm takes torch and seconds."""

import re
from collections.abc import Iterator

from zoo_registry import read_sources

_ENTRY = re.compile(
    # It begins with the text itself: that is searched for seven times as fast as `^` and the text.
    rb"\n@register_model\b[^\n]*\n(?:@[^\n]*\n)*"  # maybe among other decorators
    rb"def (\w+)\([^)]*\)[^:\n]*:[^\n]*\n"
    rb'(?:\s+r?"""\s*([^\n"]*))?'
)
"""A function that timm registers under its name, and the first line of its docstring."""
_LONGEST = 90
"""Characters of a summary, so that a row of `zoo list` stays one."""


def architectures() -> Iterator[tuple[str, str]]:
    """Yield the name of each architecture and a line about it, file by file.

    Without timm, or with one whose layout is another, there is none.
    """
    for text in read_sources("timm.models"):
        for name, line in _ENTRY.findall(text):
            yield name.decode(), _summary(name.decode(), line.decode(errors="replace"))


def _summary(name: str, line: str) -> str:
    """Return timm's own words, else the name with its parts apart."""
    words = " ".join(line.split()).rstrip(" .-:,")
    for start in ("Constructs a ", "Constructs an ", "Construct a ", "Creates a "):
        words = words.removeprefix(start)
    words = words or name.replace("_", " ")
    return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1]}…"
