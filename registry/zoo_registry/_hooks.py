"""What a plugin hooks into: every hook is checked on its own.

pluggy refuses a whole plugin for one hook that asks for an unknown argument, and releases differ
in what they then leave registered.
"""

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

import pluggy

from . import _hookspecs
from ._nearest import nearest
from ._plugin import PROJECT

HOOKS = {
    name: tuple(inspect.signature(hook).parameters)
    for name, hook in vars(_hookspecs).items()
    if name.startswith("zoo_")
}
"""Each hook and the arguments it may ask for."""


class HookManager(pluggy.PluginManager):
    """pluggy's manager, which leaves out a hook that can't be called and keeps the others."""

    def __init__(self) -> None:
        super().__init__(PROJECT)
        self.add_hookspecs(_hookspecs)
        self._marked: set[str] = set()
        self._faults: list[str] = []

    def adopt(self, plugin: object) -> list[str]:
        """Register the hooks of `plugin`; return what is wrong with them, one line each."""
        self._marked, self._faults = set(), []
        self.register(plugin, str(id(plugin)))
        unmarked = [
            f"{hook} lacks @hookimpl"
            for hook in HOOKS
            if hook not in self._marked and callable(inspect.getattr_static(plugin, hook, None))
        ]
        if not self._marked and not unmarked:
            return ["it has no hooks; its entry point must name the module that has them"]
        return self._faults + unmarked

    def names(self) -> tuple[str, ...]:
        """Return the names of all hooks."""
        return tuple(HOOKS)

    def parse_hookimpl_opts(self, plugin: Any, name: str) -> pluggy.HookimplOpts | None:
        """Find a hook as pluggy does, and pass over one that can't be called."""
        options = super().parse_hookimpl_opts(plugin, name)
        if options is None:
            return None
        hook = options.get("specname") or name
        self._marked.add(hook)
        fault = _fault(hook, pluggy.HookImpl(plugin, hook, getattr(plugin, name), options))
        if not fault:
            return options
        self._faults.append(fault)
        return None


def misfit(
    hook: str, asked: Iterable[str], known: Mapping[str, tuple[str, ...]], what: str = "hook"
) -> str:
    """Say why a hook that asks for these arguments can't be called; empty where it can.

    Args:
        hook: its name.
        asked: its arguments.
        known: the hooks there are, and the arguments each may ask for.
        what: they are called.
    """
    if hook not in known:
        close = "".join(f"; did you mean {name}?" for name in nearest(hook, known)[:1])
        return f"there is no {what} {hook}{close}"
    for argument in asked:
        if argument not in known[hook]:
            given = ", ".join(known[hook]) or "no arguments"
            return f"{hook} asks for {argument!r}; it is given {given}"
    return ""


def _fault(hook: str, implementation: pluggy.HookImpl) -> str:
    if hook not in HOOKS and implementation.optionalhook:
        return ""
    if hook in HOOKS and (implementation.wrapper or implementation.hookwrapper):
        return f"{hook} is a wrapper, which zoo's hooks do not have"
    return misfit(hook, implementation.argnames, HOOKS)
