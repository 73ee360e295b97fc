"""The subcommands that plugins add: named without importing a plugin, imported to be run."""

import functools
from collections.abc import Callable

import click

from zoo_registry import Plugin

Say = Callable[[str], None]


class PluginCommands:
    """What plugins add to the command line.

    Args:
        say: told of a plugin that fails to add its own.
    """

    def __init__(self, say: Say) -> None:
        self._say = say
        self._groups: dict[Plugin, click.Group] = {}

    def lines(self) -> dict[str, str]:
        """Return the name of each command, and its line of help."""
        return {name: line for name, (_, line) in self._known.items()}

    def find(self, name: str) -> click.Command | None:
        """Return the command of that name; None: no plugin adds it."""
        if name not in self._known:
            return None
        return self._asked(self._known[name][0]).commands.get(name)

    @functools.cached_property
    def _known(self) -> dict[str, tuple[Plugin, str]]:
        from zoo._registry import registry

        known = registry().remembered("zoo_commands", self._named)
        # A name of the first plugin that has it; hooks are called from the last to the first.
        return {name: (plugin, line) for plugin, lines in known for name, line in lines or ()}

    def _named(self, plugin: Plugin) -> list[list[str]] | None:
        group = self._asked(plugin)
        lines = [
            [name, found.get_short_help_str(limit=80)] for name, found in group.commands.items()
        ]
        return lines or None

    def _asked(self, plugin: Plugin) -> click.Group:
        """Return what a plugin adds, in a group of its own."""
        from zoo._registry import registry

        if plugin not in self._groups:
            self._groups[plugin] = group = click.Group()
            _, fault = registry().ask(plugin, "zoo_commands", cli=group)
            if fault is not None:
                self._say(f"plugin {plugin.name} ({plugin.origin}) failed in zoo_commands: {fault}")
        return self._groups[plugin]
