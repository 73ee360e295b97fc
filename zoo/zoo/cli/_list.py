"""`zoo list`: what is installed."""

from collections.abc import Collection

import click

from zoo._collector import keep_to_the_end, no_collection
from zoo._registry import registry
from zoo_registry import Entry, UsageError, kinds

from ._completion import component, task
from ._completion import plugin as plugin_name
from ._main import say
from ._output import json_option
from ._table import columns


@click.command("list")
@click.argument("patterns", nargs=-1, metavar="[PATTERN]…", shell_complete=component())
@click.option("--kind", type=click.Choice(kinds()), help="Only this kind.  [default: model]")
@click.option("--task", metavar="TASK", shell_complete=task, help="Only for this task.")
@click.option(
    "--plugin",
    "from_plugin",
    metavar="PLUGIN",
    shell_complete=plugin_name,
    help="Only from this plugin.",
)
@json_option
@no_collection()
def list_(
    patterns: tuple[str, ...],
    kind: str | None,
    task: str | None,
    from_plugin: str | None,
    as_json: bool,
) -> None:
    """List models, or with a PATTERN ("resnet*") or a --kind, everything that matches.

    Without --kind, patterns search all kinds.
    """
    kind = kind or (None if patterns else "model")
    entries = registry().select(*patterns, kind=kind)
    if from_plugin is not None:
        _require_known("plugin", from_plugin, {found.name for found in registry().plugins})
        entries = [entry for entry in entries if entry.plugin.name == from_plugin]
    if task is not None:
        _require_known("task", task, {task for e in registry().entries for task in e.spec.tasks})
        entries = [entry for entry in entries if task in entry.spec.tasks]
    broken = [found for found in registry().plugins if found.faults]
    if as_json:
        # Imported here: for people, a list needs no reporting.
        from zoo.reporting import print_json

        print_json([describe(entry) for entry in entries], indent=2)
    elif entries:
        rows = [
            (f"{plugin.name}/{spec.name}", spec.kind, ", ".join(spec.tasks), spec.summary)
            for spec, plugin in entries
        ]
        click.echo(columns(rows, ("NAME", "KIND", "TASK", "SUMMARY")))
    else:
        say("nothing matches; `zoo list` shows all models, --kind the other kinds")
    for line in registry().misnamed():
        say(line)
    for found in broken:
        say(f"plugin {found.name} ({found.origin}) is broken: {found.faults[0]}")
    keep_to_the_end(registry())


def _require_known(what: str, name: str, known: Collection[str]) -> None:
    if name not in known:
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
