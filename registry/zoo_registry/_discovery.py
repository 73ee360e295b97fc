"""Discovery: every plugin is read on its own, and a broken one harms nobody.

pluggy's own `load_setuptools_entrypoints` imports in one sweep, stops at the first plugin that
raises and drops a second entry point of the same name in silence; hence the walk here.
"""

import os
import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

from ._index import Index, Row, Store, make_row, read_index, write_index
from ._installed import EntryPoint, entry_points
from ._life import Life
from ._plugin import PROJECT, Entry, Plugin


def _wake(plugin: Plugin, life: Life) -> None:
    from ._reader import import_plugin

    import_plugin(plugin, life)


@dataclass
class Found:
    """What one walk over the entry points brought."""

    plugins: list[Plugin] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    life: Life = field(default_factory=lambda: Life(_wake))
    """The plugins' hooks that are called later."""
    left_out: list[str] = field(default_factory=list)
    """Names of the plugins that were not selected."""
    unknown: list[str] = field(default_factory=list)
    """Names that were selected, and are no plugin's."""
    index: Index = field(default_factory=lambda: Index([], []))
    """The walk, to be remembered."""
    numbers: dict[Plugin, int] = field(default_factory=dict)
    """The place of each plugin in the index."""
    began: int = field(default_factory=time.time_ns)
    """When the walk began, in ns."""


def selected() -> list[str] | None:
    """Names in `ZOO_PLUGINS`, comma-separated; None when it is unset: all."""
    names = os.environ.get("ZOO_PLUGINS")
    return None if names is None else [name.strip() for name in names.split(",") if name.strip()]


def discover(only: Collection[str] | None = None, store: Store | None = None) -> Found:
    """Read every installed plugin, or those named in `only`, each on its own.

    Args:
        only: names; None: all.
        store: of the index, from which plugins are recalled rather than imported; None: import.
    """
    found = Found()
    index = None if store is None else read_index(store)
    if index is None:
        points = list(entry_points(PROJECT))
        index = Index(points, [None] * len(points))
    found.index = Index(index.points, list(index.rows))
    for number, point in enumerate(index.points):
        if only is None or point.name in only:
            _add(point, number, found)
        else:
            found.left_out.append(point.name)
    found.unknown = sorted(set(only or ()) - {point.name for point in index.points})
    _name_clashes(found.plugins)
    if store is not None and found.index.rows != index.rows:
        write_index(store, found.index, found.began)
    return found


def _add(point: EntryPoint, number: int, found: Found) -> None:
    plugin = Plugin(point.name, point.value, point.distribution, point.version)
    found.plugins.append(plugin)
    found.numbers[plugin] = number
    row = found.index.rows[number]
    if row is not None:
        found.entries += row.recall(plugin)
        found.life.expect(plugin, row.hooks)
    else:
        found.index.rows[number] = _read(point, plugin, found)


def _read(point: EntryPoint, plugin: Plugin, found: Found) -> Row | None:
    # Imported here: nothing is read where all is remembered.
    from ._reader import read_plugin

    entries = read_plugin(point, plugin, found.life)
    found.entries += entries
    return make_row(point, plugin, found.life.hooks(plugin), entries)


def _name_clashes(plugins: list[Plugin]) -> None:
    names = Counter(plugin.name for plugin in plugins)
    for plugin in (plugin for plugin in plugins if names[plugin.name] > 1):
        others = [p for p in plugins if p.name == plugin.name and p is not plugin]
        plugin.faults += [
            f"{other.origin} has a plugin named {plugin.name!r} too" for other in others
        ]
