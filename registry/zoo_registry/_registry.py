"""The registry: what is installed, looked up by name."""

from collections.abc import Collection
from fnmatch import fnmatchcase
from typing import Any

from ._discovery import KINDS, Entry, Found, Plugin, attempt, discover, selected
from ._errors import AmbiguousName, UnknownName
from ._nearest import nearest


class Registry:
    """All that the loaded plugins offer. Built by `load`; it never changes afterwards."""

    def __init__(self, found: Found) -> None:
        self._found = found
        self.plugins: tuple[Plugin, ...] = tuple(found.plugins)
        self.entries: tuple[Entry, ...] = tuple(sorted(found.entries, key=lambda entry: entry.name))

    def select(self, *patterns: str, kind: str | None = None) -> list[Entry]:
        """Return the entries of `kind` (None: all) whose name matches any pattern (none: all).

        Patterns are shell wildcards over the bare or the qualified name.
        """
        return [
            entry
            for entry in self.entries
            if kind in (None, entry.spec.kind)
            and (not patterns or any(_matches(entry, pattern) for pattern in patterns))
        ]

    def find(self, kind: str, name: str) -> Entry:
        """Return the entry of `kind` with this qualified or bare `name`.

        Raises:
            UnknownName: nobody offers it; the text gives the nearest names.
            AmbiguousName: several plugins do; the text gives each with its distribution.
        """
        found = [e for e in self.select(kind=kind) if name in (e.name, e.spec.name)]
        if len(found) == 1:
            return found[0]
        if found:
            owners = ", ".join(f"{entry.name} ({entry.plugin.origin})" for entry in found)
            raise AmbiguousName(f"{kind} {name!r} is offered by several plugins: {owners}")
        raise UnknownName(self._unknown(kind, name))

    def _unknown(self, kind: str, name: str) -> str:
        entries = self.select(kind=kind)
        names = [name for entry in entries for name in (entry.spec.name, entry.name)]
        close = nearest(name, names)
        hint = f"; closest: {', '.join(close)}" if close else ""
        broken = [plugin.name for plugin in self.plugins if plugin.faults]
        trouble = f" Broken plugins: {', '.join(broken)} (`zoo plugins`)." if broken else ""
        listing = "zoo list" if kind == "model" else f"zoo list --kind {kind}"
        return f"no {kind} named {name!r}{hint}. `{listing}` shows all {len(entries)}.{trouble}"

    def notify(self, hook: str, **facts: Any) -> list[tuple[Plugin, str]]:
        """Call a life-cycle hook in every plugin; return the failures, one line each.

        A plugin that raises spares the others, and the training that told it.
        """
        failures = []
        for implementation in getattr(self._found.manager.hook, hook).get_hookimpls():
            arguments = [facts[name] for name in implementation.argnames]
            _, fault = attempt(implementation.function, *arguments)
            if fault is not None:
                plugin = self._found.modules[id(implementation.plugin)]
                failures.append((plugin, f"{hook}: {fault}"))
        return failures


def load(only: Collection[str] | None = None) -> Registry:
    """Discover the installed plugins: those in `only`, else those in `ZOO_PLUGINS`, else all."""
    return Registry(discover(selected() if only is None else only))


def kinds() -> tuple[str, ...]:
    """Return the kinds of spec there are."""
    return tuple(KINDS)


def _matches(entry: Entry, pattern: str) -> bool:
    return fnmatchcase(entry.name, pattern) or fnmatchcase(entry.spec.name, pattern)
