"""`zoo plugins`: what is installed, what it costs, and what is wrong with it."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, ClassVar

import click

import zoo_registry
from zoo.reporting import print_json
from zoo_registry import Plugin, Registry

from ._main import say
from ._output import json_option, print_table
from ._subcommands import Subcommands


class Plugins(Subcommands):
    """A list, with subcommands for those who write plugins."""

    places: ClassVar = {"check": "_plugins_check", "new": "_plugins_new"}


@click.group("plugins", cls=Plugins, invoke_without_command=True)
@click.option("--strict", is_flag=True, help="Exit with 1 where a plugin has any fault or notice.")
@json_option
@click.pass_context
def plugins(context: click.Context, strict: bool, as_json: bool) -> None:
    """Show every installed plugin, its import time, and what is broken and why.

    They are imported for it, whatever other commands remember of them. After a "!" comes what does
    not work, after a "?" what works, but should not be done where a plugin is asked for its specs.
    """
    if context.invoked_subcommand is None:
        seen = zoo_registry.load()
        for plugin in seen.plugins:
            plugin.faults += seen.unresolved(plugin)
        _show(seen, as_json=as_json)
        misnamed = seen.misnamed()
        for line in misnamed:
            say(line)
        if strict and (misnamed or any(found.faults or found.notices for found in seen.plugins)):
            context.exit(1)


def _show(seen: Registry, *, as_json: bool) -> None:
    offered = Counter(entry.plugin for entry in seen.entries)
    if as_json:
        print_json([_described(plugin, offered[plugin]) for plugin in seen.plugins], indent=2)
    elif seen.plugins:
        rows = [row for plugin in seen.plugins for row in _rows(plugin, offered[plugin])]
        print_table(rows, ("PLUGIN", "DISTRIBUTION", "OFFERS", "IMPORT", "STATE"))
    else:
        say("no plugin is installed or selected (ZOO_PLUGINS selects)")


def _described(plugin: Plugin, offers: int) -> dict[str, Any]:
    return {
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "module": plugin.module,
        "import_seconds": round(plugin.import_seconds, 4),
        "offers": offers,
        "faults": plugin.faults,
        "notices": plugin.notices,
    }


def _rows(plugin: Plugin, offers: int) -> Iterator[tuple[str, ...]]:
    """Yield one row for each thing there is to say of a plugin, the first with its facts."""
    lines = [*(f"! {fault}" for fault in plugin.faults), *(f"? {n}" for n in plugin.notices)]
    first, *rest = lines or ["ok"]
    milliseconds = f"{plugin.import_seconds * 1000:.0f} ms"
    yield plugin.name, plugin.origin, str(offers), milliseconds, first
    yield from (("", "", "", "", line) for line in rest)
