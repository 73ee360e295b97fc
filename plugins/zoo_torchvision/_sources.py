"""torchvision's architectures, read from its source files: importing it takes torch and seconds."""

import re
from collections.abc import Iterator

from zoo_registry import read_sources

_ENTRY = re.compile(
    rb"\n@register_model\(\)\n(?:@[^\n]*\n)*"  # maybe among other decorators
    rb"def (\w+)\((?:[^()]|\([^()]*\))*\)[^:]*:\s*"
    rb'(?:r?"""\s*((?:[^\n"]+\n?)*))?'
)
"""A function that torchvision registers under its name, and its docstring's first paragraph."""
_LINK = re.compile(r"\s*<[^>]*>`?_*")
_FROM = re.compile(r"( model)?( architecture)?,?( as described in| from)( the)? ")
_LONGEST = 90
"""Characters of a summary, so that a row of `zoo list` stays one."""


def architectures() -> Iterator[tuple[str, str]]:
    """Yield the name of each architecture that classifies images, and a line about it.

    Those that segment, detect, compare or read video are in packages further down.
    """
    for text in read_sources("torchvision.models"):
        for name, words in _ENTRY.findall(text):
            yield name.decode(), _summary(name.decode(), words.decode(errors="replace"))


def _summary(name: str, words: str) -> str:
    """Return torchvision's own words without its links, else the name with its parts apart."""
    line = _LINK.sub("", " ".join(words.split())).replace("`", "").rstrip(" .-:,")
    for start in ("Constructs a ", "Constructs an ", "Constructs "):
        line = line.removeprefix(start)
    line = _FROM.sub(": ", line.removesuffix(" paper"), count=1) or name.replace("_", " ")
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
