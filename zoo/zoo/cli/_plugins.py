"""`zoo plugins`: what is installed, what it costs, and what is wrong with it."""

from collections import Counter

import click

from zoo._registry import registry
from zoo.reporting import print_json

from ._output import json_option, print_table
from ._subcommands import Subcommands


class Plugins(Subcommands):
    """A list, with subcommands for those who write plugins."""


@click.group("plugins", cls=Plugins, invoke_without_command=True)
@json_option
@click.pass_context
def plugins(context: click.Context, as_json: bool) -> None:
    """Show every installed plugin, its import time, and what is broken and why."""
    if context.invoked_subcommand is None:
        _list(as_json=as_json)


def _list(*, as_json: bool) -> None:
    found = registry().plugins
    offered = Counter(id(entry.plugin) for entry in registry().entries)
    if as_json:
        print_json(
            [
                {
                    "name": plugin.name,
                    "distribution": plugin.distribution,
                    "version": plugin.version,
                    "module": plugin.module,
                    "import_seconds": round(plugin.import_seconds, 4),
                    "offers": offered[id(plugin)],
                    "faults": plugin.faults,
                }
                for plugin in found
            ],
            indent=2,
        )
        return
    rows = [
        (
            plugin.name,
            plugin.origin,
            offered[id(plugin)],
            f"{plugin.import_seconds * 1000:.0f} ms",
            "; ".join(plugin.faults) or "ok",
        )
        for plugin in found
    ]
    if rows:
        print_table(rows, ("PLUGIN", "DISTRIBUTION", "OFFERS", "IMPORT", "STATE"))
    else:
        click.echo("no plugin is installed or selected (ZOO_PLUGINS selects)", err=True)
