"""Entry points of installed distributions, read straight from their metadata.

`importlib.metadata` finds the same, but importing it takes longer than a bare Python start, and
one malformed line makes it raise for all. pathlib would cost as much again.
"""

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

_FILES = ("entry_points.txt", "METADATA", "PKG-INFO")
_SUFFIXES = (".dist-info", ".egg-info")
_EDITABLE = re.compile(r'"editable"\s*:\s*true')
_NEEDS = re.compile(
    r"^Requires-Dist:[ \t]*zoo[-_.]registry(?![-_.\w])"
    r"(?:[ \t]*\[[^\]]*\])?[ \t]*\(?([^;)\n]*)\)?[ \t]*$",
    re.MULTILINE | re.IGNORECASE,
)
"""What a plugin's metadata says of zoo; a line with a marker, such as an extra's, is no such."""


class EntryPoint(NamedTuple):
    """One line of a group in a distribution's `entry_points.txt`."""

    name: str
    value: str
    """`package.module` or `package.module:attribute`; empty where the line has no `=`."""
    distribution: str
    version: str
    record: str
    """The path of what an installer wrote down of the distribution; empty where there is none, or
    where its code may change without an installation: it is an editable one."""
    needs: str
    """The versions of `zoo-registry` that its metadata asks for, `>=0.3`; empty: any."""


def entry_points(group: str) -> Iterator[EntryPoint]:
    """Yield every entry point in `group`; a distribution found first hides a later namesake."""
    seen: set[str] = set()
    for entry in sys.path:
        names, read = _opened(entry or ".")
        for distribution, name in _distributions(entry, names):
            if distribution not in seen:
                seen.add(distribution)
                yield from _declared(entry, name, read, group)


def listed(entry: str) -> Sequence[str]:
    """Return the names in a path entry; of an archive, only those of metadata."""
    return tuple(_opened(entry or ".")[0])


def record_files(point: EntryPoint) -> list[str]:
    """Return the files that an installer writes anew when it installs a plugin's distribution."""
    folder = point.record.rpartition("/")[0]
    names = ("RECORD", "entry_points.txt", "METADATA") if folder else ()
    return [f"{folder}/{name}" for name in names]


def unrecorded_files(entry: str) -> list[str]:
    """Return the metadata in a path entry that may be written again where it lies."""
    folders = [f"{entry}/{name}" for name in listed(entry) if is_metadata(name)]
    found = [folder for folder in folders if not _exists(f"{folder}/RECORD")]
    files = [f"{folder}/{name}" for folder in found for name in _FILES]
    return [file for file in (*found, *files) if _exists(file)]


def installed_version(distribution: str) -> str:
    """Return the version of an installed distribution; empty where there is none."""
    wanted = _normalised(distribution)
    for entry in sys.path:
        for found, name in _distributions(entry, _opened(entry or ".")[0]):
            if found == wanted:
                return name.rpartition(".")[0].partition("-")[2]
    return ""


def _distributions(entry: str, names: Iterable[str]) -> list[tuple[str, str]]:
    """Return the distributions in a path entry, sorted, each with the name of its metadata.

    Of several of one distribution the last written holds: `pip install --upgrade --target` leaves
    the old ones where they are.
    """
    found: dict[str, list[str]] = {}
    for name in sorted(filter(is_metadata, names)):
        stem = name.rpartition(".")[0].partition("-")[0]
        found.setdefault(_normalised(stem), []).append(name)
    return [
        (distribution, max(several, key=lambda name: _written(f"{entry}/{name}")))
        if len(several) > 1
        else (distribution, several[0])
        for distribution, several in found.items()
    ]


def _written(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns  # noqa: PTH116 - see the module's docstring
    except OSError:  # in an archive
        return 0


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
                if is_metadata(folder) and file in _FILES:
                    texts[path] = archive.read(path).decode(errors="replace")
    except Exception:  # noqa: BLE001 - whichever way an archive is damaged, it offers nothing
        return (), str
    return {path.partition("/")[0] for path in texts}, lambda path: texts.get(path, "")


def _declared(
    entry: str, name: str, read: Callable[[str], str], group: str
) -> Iterator[EntryPoint]:
    text = read(f"{name}/entry_points.txt")
    if f"[{group}]" in text:
        facts = read(f"{name}/METADATA") or read(f"{name}/PKG-INFO")
        stem = name.rpartition(".")[0].partition("-")[0]
        origin = _field(facts, "Name", _normalised(stem)), _field(facts, "Version", "?")
        record = "" if _EDITABLE.search(read(f"{name}/direct_url.json")) else _record(entry, name)
        needs = _NEEDS.search(facts)
        for point, value in _section(text, group):
            yield EntryPoint(point, value, *origin, record, needs.group(1).strip() if needs else "")


def _record(entry: str, name: str) -> str:
    path = f"{entry}/{name}/RECORD"
    return path if os.path.isabs(entry) and _exists(path) else ""  # noqa: PTH117


def _exists(path: str) -> bool:
    return os.path.exists(path)  # noqa: PTH110


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


def is_metadata(name: str) -> bool:
    """Tell whether a name in a path entry is that of a distribution's metadata."""
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
