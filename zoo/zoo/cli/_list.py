"""`zoo list`: what is installed."""

import click

from zoo._registry import registry
from zoo_registry import Entry, kinds

from ._main import say
from ._output import json_option, print_json, print_table


@click.command("list")
@click.argument("patterns", nargs=-1, metavar="[PATTERN]…")
@click.option("--kind", type=click.Choice(kinds()), help="Only this kind.  [default: model]")
@click.option("--task", metavar="TASK", help="Only for this task.")
@click.option("--plugin", metavar="PLUGIN", help="Only from this plugin.")
@json_option
def list_(
    patterns: tuple[str, ...], kind: str | None, task: str | None, plugin: str | None, as_json: bool
) -> None:
    """List models, or with a PATTERN ("resnet*") or a --kind, everything that matches.

    Without --kind, patterns search all kinds.
    """
    kind = kind or (None if patterns else "model")
    entries = [
        entry
        for entry in registry().select(*patterns, kind=kind)
        if (task is None or task in entry.spec.tasks) and plugin in (None, entry.plugin.name)
    ]
    broken = [found for found in registry().plugins if found.faults]
    if as_json:
        print_json([describe(entry) for entry in entries])
    elif entries:
        rows = [
            (entry.name, entry.spec.kind, ", ".join(entry.spec.tasks), entry.spec.summary)
            for entry in entries
        ]
        print_table(rows, ("NAME", "KIND", "TASK", "SUMMARY"))
    else:
        say("nothing matches; `zoo list` shows all models, --kind the other kinds")
    for found in broken:
        say(f"plugin {found.name} ({found.origin}) is broken: {found.faults[0]}")


def describe(entry: Entry) -> dict[str, str]:
    """Return an entry as `zoo list --json` prints it."""
    return {
        "name": entry.name,
        "kind": entry.spec.kind,
        "task": ", ".join(entry.spec.tasks),
        "summary": entry.spec.summary,
        "plugin": entry.plugin.name,
        "distribution": entry.plugin.distribution,
        "version": entry.plugin.version,
    }
