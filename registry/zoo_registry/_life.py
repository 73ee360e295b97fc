"""Hooks that are called later than discovery: a training's life, and the command line's making.

A plugin that was recalled from the index is imported when a hook that it has is called.
"""

import sys
from collections.abc import Callable, Collection
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ._errors import SpecError
from ._plugin import KINDS, Plugin

if TYPE_CHECKING:
    from ._hooks import HookManager


class Life:
    """Which plugin has which hooks; the modules behind them, once they are imported.

    Args:
        wake: imports a plugin that was recalled, and gives its module to `adopt`.
    """

    def __init__(self, wake: Callable[[Plugin, "Life"], object]) -> None:
        self._wake = wake
        self._order: dict[Plugin, int] = {}
        self._asleep: dict[Plugin, Collection[str]] = {}
        self._owners: dict[int, Plugin] = {}

    def expect(self, plugin: Plugin, hooks: Collection[str]) -> None:
        """Note that `plugin`, not imported yet, has these hooks."""
        self._order[plugin] = len(self._order)
        if hooks:
            self._asleep[plugin] = hooks

    def adopt(self, plugin: Plugin, module: object) -> None:
        """Register the hooks of a plugin's module, and what is wrong with them as its faults.

        Raises:
            SpecError: it is another plugin's too.
        """
        self._order.setdefault(plugin, len(self._order))
        owner = self._owners.get(id(module)) or self._recalled(module) or plugin
        if owner is not plugin:
            raise SpecError(f"{plugin.module} is loaded already, as {owner.name} of {owner.origin}")
        self._owners[id(module)] = plugin
        plugin.faults += self._manager.adopt(module)

    def _recalled(self, module: object) -> Plugin | None:
        """Find the plugin that was recalled whose entry point names `module` too."""
        for plugin in self._order:
            name, _, attribute = plugin.module.partition(":")
            found: object = sys.modules.get(name)
            for part in attribute.split(".") if attribute else ():
                found = getattr(found, part, None)
            if found is module:
                return plugin
        return None

    def hooks(self, plugin: Plugin) -> list[str]:
        """Return which hooks an adopted plugin has, without those that offer specs."""
        names = (name for name in self._manager.names() if name not in KINDS.values())
        return [name for name in names if any(p is plugin for p, _ in self._adopted(name))]

    def having(self, hook: str) -> list[Plugin]:
        """Return the plugins that have `hook`, in the order of discovery; none is imported."""
        adopted = {plugin for plugin, _ in self._adopted(hook)} if self._owners else set()
        asleep = {plugin for plugin, hooks in self._asleep.items() if hook in hooks}
        return [plugin for plugin in self._order if plugin in adopted | asleep]

    def implementations(self, hook: str) -> list[tuple[Plugin, Any]]:
        """Return each plugin that has `hook` and its implementation, in the order of calls.

        The order is pluggy's, as if all were imported: the last plugin's first, but for those
        that ask to be called first or last.
        """
        for plugin in [plugin for plugin, hooks in self._asleep.items() if hook in hooks]:
            del self._asleep[plugin]
            self._wake(plugin, self)
        return self._adopted(hook) if self._owners else []

    def _adopted(self, hook: str) -> list[tuple[Plugin, Any]]:
        found = [
            (self._owners[id(one.plugin)], one)
            for one in getattr(self._manager.hook, hook).get_hookimpls()
        ]
        return sorted(
            found,
            key=lambda pair: (pair[1].trylast - pair[1].tryfirst, -self._order[pair[0]]),
        )

    @cached_property
    def _manager(self) -> "HookManager":
        # Imported here: a start that recalls its plugins needs no hooks, and so no pluggy.
        from ._hooks import HookManager

        return HookManager()
