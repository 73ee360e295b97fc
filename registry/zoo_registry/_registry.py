"""The registry: what is installed, looked up by name."""

from collections.abc import Callable, Collection
from fnmatch import fnmatchcase
from typing import Any

from ._discovery import Found, discover, selected
from ._errors import AmbiguousName, UnknownName
from ._index import Store, write_index
from ._nearest import nearest
from ._plugin import KINDS, Entry, Plugin
from ._when_empty import when_empty


class Registry:
    """All that the loaded plugins offer. Built by `load`; it never changes afterwards."""

    def __init__(self, found: Found, store: Store | None = None) -> None:
        self._found = found
        self._store = store
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

    def find(self, kind: str, name: str, near: Plugin | None = None) -> Entry:
        """Return the entry of `kind` with this qualified or bare `name`.

        Args:
            kind: of the spec.
            name: qualified or bare.
            near: the plugin whose author wrote the name. Where several plugins offer it, the
                author's own is meant, else one of the same distribution: what others install
                changes nothing in a spec.

        Raises:
            UnknownName: nobody offers it; the text gives the nearest names.
            AmbiguousName: several plugins do; the text gives each with its distribution.
        """
        found = [e for e in self.select(kind=kind) if name in (e.name, e.spec.name)]
        if len(found) > 1 and near is not None:
            own = [e for e in found if e.plugin is near]
            akin = [e for e in found if e.plugin.distribution == near.distribution]
            found = own or akin or found
        if len(found) == 1:
            return found[0]
        if found:
            raise AmbiguousName(_ambiguous(kind, name, found))
        raise UnknownName(self._unknown(kind, name))

    def hint(self, name: str) -> str:
        """Return what a plugin says to whoever names something of it while it offers nothing.

        That is a line in its spec module, `when_empty`: what is not installed, and what to type.
        Empty for any other name.
        """
        owner, slash, _ = name.partition("/")
        for plugin in self.plugins if slash else ():
            if plugin.name == owner and all(entry.plugin is not plugin for entry in self.entries):
                return when_empty(plugin)
        return ""

    def _unknown(self, kind: str, name: str) -> str:
        if hint := self.hint(name):
            return f"no {kind} named {name!r}: {hint}"
        entries = self.select(kind=kind)
        close = nearest(name, (e.name if "/" in name else e.spec.name for e in entries))
        hint = f"; closest: {', '.join(close)}" if close else ""
        listing = "zoo list" if kind == "model" else f"zoo list --kind {kind}"
        return (
            f"no {kind} named {name!r}{hint}. `{listing}` shows all {len(entries)}."
            f"{self._missing()}"
        )

    def _missing(self) -> str:
        """Name the installed plugins that offer less than they might."""
        broken = ", ".join(plugin.name for plugin in self.plugins if plugin.faults)
        left_out = ", ".join(self._found.left_out)
        return (f" Broken plugins: {broken} (`zoo plugins`)." if broken else "") + (
            f" Not selected (ZOO_PLUGINS): {left_out}." if left_out else ""
        )

    def unresolved(self, plugin: Plugin) -> list[str]:
        """Return which of a plugin's addresses lead nowhere, one line each; nothing is imported."""
        from ._static import missing

        specs: dict[str, list[str]] = {}
        for entry in self.entries:
            named = (getattr(entry.spec, field, "") for field in ("expects", "plain"))
            for address in (entry.spec.address, *named):
                if address and entry.plugin is plugin:
                    specs.setdefault(address, []).append(f"{entry.spec.kind} {entry.spec.name}")
        return [
            f"{owners[0]}: {address!r} does not resolve: {lack}"
            for address, owners in specs.items()
            if (lack := missing(address))
        ]

    def misnamed(self) -> list[str]:
        """Return which selected names are no plugin's, one line each with the nearest that are."""
        names = [*(plugin.name for plugin in self.plugins), *self._found.left_out]
        lines = []
        for name in self._found.unknown:
            close = nearest(name, names)
            hint = f"closest: {', '.join(close)}" if close else f"there are: {', '.join(names)}"
            lines.append(f"no plugin named {name!r} is installed (ZOO_PLUGINS); {hint}")
        return lines

    def notify(self, hook: str, **facts: Any) -> list[tuple[Plugin, str]]:
        """Call a life-cycle hook in every plugin; return the failures, one line each.

        A plugin that raises spares the others, and the training that told it.
        """
        failures = []
        for plugin in self.listeners(hook):
            _, fault = self.ask(plugin, hook, **facts)
            if fault is not None:
                failures.append((plugin, f"{hook}: {fault}"))
        return failures

    def remembered(self, hook: str, work_out: Callable[[Plugin], Any]) -> list[tuple[Plugin, Any]]:
        """Return what `work_out` makes of each plugin that has a hook, recalled where it can be.

        Args:
            hook: its name; what is remembered is so under it.
            work_out: given a plugin, which it may `ask`; returns plain data, as JSON has them, or
                None where it could not tell, which is not remembered.
        """
        found, rows = [], self._found.index.rows
        is_new = False
        for plugin in self._found.life.having(hook):
            row = rows[self._found.numbers[plugin]]
            if row is None or hook not in row.facts:
                value = work_out(plugin)
                if row is not None and value is not None:
                    row.facts[hook] = value
                    is_new = True
            else:
                value = row.facts[hook]
            found.append((plugin, value))
        if is_new and self._store is not None:
            write_index(self._store, self._found.index, self._found.began)
        return found

    def listeners(self, hook: str) -> list[Plugin]:
        """Return the plugins that implement a hook, in the order in which they are called."""
        return [plugin for plugin, _ in self._found.life.implementations(hook)]

    def ask(self, plugin: Plugin, hook: str, **facts: Any) -> tuple[Any, str | None]:
        """Call a later hook in one plugin; return its answer, or None and what went wrong.

        Hooks of a training may take their time, to upload it; others are ended where they hang.
        """
        from ._conduct import attempt

        waiting_for = "" if "run" in facts else f"the plugin {plugin.name} ({plugin.origin})"

        for owner, implementation in self._found.life.implementations(hook):
            if owner is plugin:
                arguments = [facts[name] for name in implementation.argnames]
                return attempt(implementation.function, *arguments, waiting_for=waiting_for)
        return None, f"{plugin.name} has no {hook}"


def load(only: Collection[str] | None = None, store: Store | None = None) -> Registry:
    """Discover the installed plugins.

    Args:
        only: names of plugins; None: those in `ZOO_PLUGINS`, else all.
        store: of an index that spares importing them; None: they are imported.
    """
    return Registry(discover(selected() if only is None else only, store), store)


def kinds() -> tuple[str, ...]:
    """Return the kinds of spec there are."""
    return tuple(KINDS)


def _matches(entry: Entry, pattern: str) -> bool:
    return fnmatchcase(entry.name, pattern) or fnmatchcase(entry.spec.name, pattern)


def _ambiguous(kind: str, name: str, found: list[Entry]) -> str:
    owners = ", ".join(f"{entry.name} ({entry.plugin.origin})" for entry in found)
    distinct = len({entry.name for entry in found}) == len(found)
    remedy = "write the name with its plugin" if distinct else "uninstall all but one"
    return f"{kind} {name!r} is offered by several plugins: {owners}; {remedy}"
