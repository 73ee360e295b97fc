"""Entry points of installed distributions, read straight from their metadata.

`importlib.metadata` finds the same, but importing it takes longer than a bare Python start, and
one malformed line makes it raise for all. pathlib would cost as much again.
"""

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

_FILES = ("entry_points.txt", "METADATA", "PKG-INFO")
_SUFFIXES = (".dist-info", ".egg-info")


@dataclass(frozen=True)
class EntryPoint:
    """One line of a group in a distribution's `entry_points.txt`."""

    name: str
    value: str
    """`package.module` or `package.module:attribute`; empty where the line has no `=`."""
    distribution: str
    version: str


def entry_points(group: str) -> Iterator[EntryPoint]:
    """Yield every entry point in `group`; a distribution found first hides a later namesake."""
    seen: set[str] = set()
    for entry in sys.path:
        names, read = _opened(entry or ".")
        for name in sorted(filter(_is_metadata, names)):
            distribution = _normalised(name.rpartition(".")[0].partition("-")[0])
            if distribution not in seen:
                seen.add(distribution)
                yield from _declared(name, read, group)


def _opened(entry: str) -> tuple[Iterable[str], Callable[[str], str]]:
    """Return the names in a path entry, and what reads a file there; `""` where there is none."""
    try:
        names = os.listdir(entry)  # noqa: PTH208 - see the module's docstring
    except NotADirectoryError:
        return _in_archive(entry)
    except (OSError, ValueError):  # it is not there, or its name can't be a path
        return (), str
    return names, lambda path: _read(f"{entry}/{path}")


def _in_archive(entry: str) -> tuple[Iterable[str], Callable[[str], str]]:
    # Imported here: few path entries are archives.
    import zipfile

    texts = {}
    try:
        with zipfile.ZipFile(entry) as archive:
            for path in archive.namelist():
                folder, _, file = path.partition("/")
                if _is_metadata(folder) and file in _FILES:
                    texts[path] = archive.read(path).decode(errors="replace")
    except Exception:  # noqa: BLE001 - whichever way an archive is damaged, it offers nothing
        return (), str
    return {path.partition("/")[0] for path in texts}, lambda path: texts.get(path, "")


def _declared(name: str, read: Callable[[str], str], group: str) -> Iterator[EntryPoint]:
    text = read(f"{name}/entry_points.txt")
    if f"[{group}]" in text:
        facts = read(f"{name}/METADATA") or read(f"{name}/PKG-INFO")
        stem = name.rpartition(".")[0].partition("-")[0]
        origin = _field(facts, "Name", _normalised(stem)), _field(facts, "Version", "?")
        for point, value in _section(text, group):
            yield EntryPoint(point, value, *origin)


def _section(text: str, group: str) -> Iterator[tuple[str, str]]:
    """Yield names and values in one section, by the rules of `importlib.metadata`."""
    section = None
    for line in map(str.strip, text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            section = line.strip("[]")
        elif section == group and line and not line.startswith("#"):
            name, _, value = line.partition("=")
            address = value.partition("[")[0]  # what follows names extras, of no use here
            yield name.strip(), ":".join(part.strip() for part in address.split(":"))


def _is_metadata(name: str) -> bool:
    return name.endswith(_SUFFIXES)


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - likewise
            return file.read()
    except OSError:
        return ""


def _field(facts: str, field: str, default: str) -> str:
    found = re.search(rf"^{field}:[ \t]*(\S.*)$", facts, re.MULTILINE)
    return found.group(1).strip() if found else default
