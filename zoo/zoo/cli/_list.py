"""`zoo list`: what is installed."""

from collections.abc import Collection

import click

from zoo._registry import registry
from zoo.reporting import print_json
from zoo_registry import Entry, UsageError, kinds

from ._completion import component, task
from ._completion import plugin as plugin_name
from ._main import say
from ._output import json_option, print_table


@click.command("list")
@click.argument("patterns", nargs=-1, metavar="[PATTERN]…", shell_complete=component())
@click.option("--kind", type=click.Choice(kinds()), help="Only this kind.  [default: model]")
@click.option("--task", metavar="TASK", shell_complete=task, help="Only for this task.")
@click.option(
    "--plugin", metavar="PLUGIN", shell_complete=plugin_name, help="Only from this plugin."
)
@json_option
def list_(
    patterns: tuple[str, ...], kind: str | None, task: str | None, plugin: str | None, as_json: bool
) -> None:
    """List models, or with a PATTERN ("resnet*") or a --kind, everything that matches.

    Without --kind, patterns search all kinds.
    """
    kind = kind or (None if patterns else "model")
    _require_known("plugin", plugin, {found.name for found in registry().plugins})
    _require_known("task", task, {task for e in registry().entries for task in e.spec.tasks})
    entries = [
        entry
        for entry in registry().select(*patterns, kind=kind)
        if (task is None or task in entry.spec.tasks) and plugin in (None, entry.plugin.name)
    ]
    broken = [found for found in registry().plugins if found.faults]
    if as_json:
        print_json([describe(entry) for entry in entries], indent=2)
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


def _require_known(what: str, name: str | None, known: Collection[str]) -> None:
    if name is not None and name not in known:
        raise UsageError(f"no {what} {name!r} here; there are: {', '.join(sorted(known))}")


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
