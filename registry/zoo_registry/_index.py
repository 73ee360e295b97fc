"""An index of what plugins offer, so that a start imports none of them.

It holds for one state of the installation: the folders on `sys.path` that hold distributions, as
they were when it was written, and the contract's own code. What may change without an installation
is not in it, and read afresh each time: an editable plugin, one without an installer's record, one
that has faults. Of the others the record and the files that were imported are looked at.

Whatever is wrong with the index, damage, another version, a race, costs the time to import the
plugins, as if there were none.
"""

import binascii
import json
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from ._installed import EntryPoint, is_metadata, listed, record_files, unrecorded_files
from ._packing import pack, unpack
from ._plugin import Entry, Plugin

_FORMAT = 1
_RACY_NS = 2 * 10**9
"""A file that changed so shortly before may change again and still have the same time."""


class Store(Protocol):
    """Where the bytes of an index are kept."""

    def read(self) -> bytes:
        """Return what was written last; nothing where there is none."""

    def write(self, text: bytes) -> None:
        """Keep `text`, whole or not at all; where that can't be, do nothing."""


Stamp = tuple[str, int, int]
"""A path, its time of change in ns, and its size."""


class Row(NamedTuple):
    """What is remembered of one plugin."""

    import_seconds: float
    notices: list[str]
    hooks: list[str]
    """Those it implements, without the ones that offer specs."""
    specs: list[list[Any]]
    facts: dict[str, Any]
    """What else was worked out of it; see `Registry.remembered`."""
    files: list[Stamp]

    def recall(self, plugin: Plugin) -> Iterator[Entry]:
        """Give `plugin` what is known of it, and yield what it offers."""
        plugin.import_seconds = self.import_seconds
        plugin.notices += self.notices
        for spec in unpack(self.specs):
            yield Entry(spec, plugin)


class Index(NamedTuple):
    """Entry points, and what is remembered of each: None where it is to be read afresh."""

    points: list[EntryPoint]
    rows: list[Row | None]


def read_index(store: Store) -> Index | None:
    """Return what `store` holds, where it is true of this process's installation."""
    try:
        head, _, body = store.read().partition(b"\n")
        if json.loads(head) != [_FORMAT, _code(), binascii.crc32(body)]:
            return None
        path, stamps, points, rows = json.loads(body)
        shadows = _unless_changed(path)
        if shadows is None or any(map(_has_changed, stamps)):
            return None
        points = [EntryPoint(*point) for point in points]
        kept = [None if row is None else Row(*row) for row in rows]
    except Exception:  # noqa: BLE001 - an index is bytes from a disk: it may be anything
        return None
    for number, (point, row) in enumerate(zip(points, kept, strict=True)):
        if row is not None and (_top(point) in shadows or any(map(_has_changed, row.files))):
            kept[number] = None
    return Index(points, kept)


def write_index(store: Store, index: Index, seen: int) -> None:
    """Have `store` keep what holds of this installation, unless it may be another by now.

    Args:
        store: where to.
        index: of the installation as it was found.
        seen: when looking at it began, in ns: importing its plugins may have taken longer than
            an installation does.
    """
    path = [entry for entry in dict.fromkeys(sys.path) if any(map(is_metadata, listed(entry)))]
    records = [file for point in index.points for file in record_files(point)]
    unrecorded = [file for entry in path for file in unrecorded_files(entry)]
    try:
        stamps = [_stamp(file) for file in dict.fromkeys([*path, *records, *unrecorded])]
    except OSError:  # it is being changed just now; or it is the current folder
        return
    every = [*stamps, *(stamp for row in index.rows if row for stamp in row.files)]
    if any(changed > seen - _RACY_NS for _, changed, _ in every):
        return
    content = [path, stamps, index.points, index.rows]
    body = json.dumps(content, separators=(",", ":")).encode()
    head = json.dumps([_FORMAT, _code(), binascii.crc32(body)]).encode()
    store.write(head + b"\n" + body)


def make_row(
    point: EntryPoint, plugin: Plugin, hooks: Sequence[str], entries: Sequence[Entry]
) -> Row | None:
    """Return what is to be remembered of a plugin just read; None: nothing, it is not settled."""
    if plugin.faults or not point.record:
        return None
    try:
        specs = pack(entry.spec for entry in entries)
        files = _imported(_top(point))
    except Exception:  # noqa: BLE001 - a spec may hold anything, itself too
        return None
    return Row(plugin.import_seconds, plugin.notices, list(hooks), specs, {}, files)


def _unless_changed(path: list[str]) -> set[str] | None:
    """Compare `sys.path` with the entries that held distributions; None: they are others now.

    Return which modules the other entries hold, which were not looked at when the index was made.
    """
    holding = set(path)
    others: set[str] = set()
    for entry in dict.fromkeys(sys.path):
        if entry not in holding:
            names = listed(entry)
            if any(map(is_metadata, names)):
                return None
            others.update(name.partition(".")[0] for name in names)
    return (
        others if [entry for entry in dict.fromkeys(sys.path) if entry in holding] == path else None
    )


def _imported(top: str) -> list[Stamp]:
    """Return the files of a package, or module, and all below it that are imported."""
    names = [name for name in sys.modules if name == top or name.startswith(f"{top}.")]
    files = {getattr(sys.modules[name], "__file__", None) or "" for name in names}
    return [_stamp(file) for file in sorted(files - {""})]


def _top(point: EntryPoint) -> str:
    return point.value.partition(":")[0].partition(".")[0]


def _stamp(path: str) -> Stamp:
    found = os.stat(path)  # noqa: PTH116 - pathlib takes longer to import than all of this
    return path, found.st_mtime_ns, found.st_size


def _has_changed(before: Stamp) -> bool:
    try:
        return _stamp(before[0]) != tuple(before)
    except OSError:
        return True


def _code() -> list[Any]:
    """Return what identifies the code that reads and writes an index."""
    folder = os.path.dirname(__file__)  # noqa: PTH120 - as above
    with os.scandir(folder) as found:
        files = [file.stat() for file in found if file.name.endswith(".py")]
    newest = max(file.st_mtime_ns for file in files)
    return [sys.version, folder, newest, sum(file.st_size for file in files)]
