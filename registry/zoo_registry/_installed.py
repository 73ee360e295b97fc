"""Entry points of installed distributions, read straight from their metadata.

`importlib.metadata` finds the same, but importing it takes longer than a bare Python start;
it is used where a path entry is not a plain folder.
"""

import os
import re
import sys
from collections.abc import Iterator
from configparser import ConfigParser, Error
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class EntryPoint:
    """One line of a group in a distribution's `entry_points.txt`."""

    name: str
    value: str
    distribution: str
    version: str


def entry_points(group: str) -> Iterator[EntryPoint]:
    """Yield every entry point in `group`; a distribution found first hides a later namesake."""
    seen: set[str] = set()
    for entry in sys.path:
        folder = Path(entry or ".")
        if folder.is_dir():
            yield from _in_folder(folder, group, seen)
        elif folder.exists():
            yield from _in_archive(entry, group, seen)


def _in_folder(folder: Path, group: str, seen: set[str]) -> Iterator[EntryPoint]:
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208 - iterdir makes a Path of every module
    except OSError:
        return
    for name in names:
        stem, suffix = os.path.splitext(name)  # noqa: PTH122 - likewise
        if suffix not in (".dist-info", ".egg-info"):
            continue
        distribution = _normalised(stem.split("-")[0])
        if distribution in seen:
            continue
        seen.add(distribution)
        metadata = folder / name
        text = _read(metadata / "entry_points.txt")
        if f"[{group}]" in text:
            facts = _read(metadata / "METADATA") or _read(metadata / "PKG-INFO")
            yield from _parse(
                text, group, _field(facts, "Name", distribution), _field(facts, "Version", "?")
            )


def _in_archive(entry: str, group: str, seen: set[str]) -> Iterator[EntryPoint]:
    from importlib.metadata import distributions

    for found in distributions(path=[entry]):
        distribution = _normalised(found.name)
        if distribution not in seen:
            seen.add(distribution)
            text = found.read_text("entry_points.txt") or ""
            yield from _parse(text, group, found.name, found.version)


def _parse(text: str, group: str, distribution: str, version: str) -> Iterator[EntryPoint]:
    parser = ConfigParser(delimiters=("=",), interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their case
    try:
        parser.read_string(text)
    except Error as error:
        yield EntryPoint("?", f"unreadable: {error}".splitlines()[0], distribution, version)
        return
    if parser.has_section(group):
        for name, value in parser.items(group):
            yield EntryPoint(name, value.split("[")[0].strip(), distribution, version)


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _field(facts: str, field: str, default: str) -> str:
    found = re.search(rf"^{field}:\s*(.+)$", facts, re.MULTILINE)
    return found.group(1).strip() if found else default
