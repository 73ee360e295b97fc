"""`zoo runs show`: all there is to say of one run."""

from typing import Any

import click

from zoo.errors import CorruptWeights
from zoo.reporting import format_metrics, print_json
from zoo.runs import Run, aliases_of, find_run

from ._completion import run
from ._output import json_option


def wants_json(context: click.Context, *, as_json: bool) -> bool:
    """Say whether JSON is asked for: after the subcommand, or before it."""
    return as_json or (context.parent is not None and context.parent.params["as_json"])


def text_of(value: Any) -> str:
    """Write any value of a record on one line."""
    if isinstance(value, dict):
        return "  ".join(f"{key}={text_of(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(text_of, value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)


@click.command("show")
@click.argument("run", metavar="RUN", shell_complete=run())
@json_option
@click.pass_context
def show(context: click.Context, run: str, *, as_json: bool) -> None:
    """Show one run: its metrics, recipe, files and where it came from."""
    found = find_run(run)
    if wants_json(context, as_json=as_json):
        print_json(_details(found), indent=2)
        return
    click.echo(f"{found.name}  {found.state}\n{found.path}\n{found.reason}".rstrip() + "\n")
    for key, value in {**found.record, "aliases": aliases_of(found)}.items():
        if key == "metrics" and value:
            click.echo(f"{key:<13} {format_metrics(value)}")
        elif key not in ("name", "state") and value not in ({}, [], None):
            click.echo(f"{key:<13} {text_of(value)}")
    click.echo("\nrecipe")
    options = found.recipe.get("options", {})
    parts = {f"{part}.{name}": v for part, values in options.items() for name, v in values.items()}
    for key, value in {**found.recipe, "options": {}, **parts}.items():
        if value != {}:
            click.echo(f"  {key:<24} {text_of(value)}")


def _details(run: Run) -> dict[str, Any]:
    """Return all there is to say of a run; its state is what it is now, not what was recorded."""
    reason = run.reason
    try:
        history = run.history
    except CorruptWeights as error:
        history, reason = [], str(error)
    return {
        **run.record,
        "name": run.name,
        "state": run.state,
        "reason": reason,
        "path": str(run.path),
        "aliases": aliases_of(run),
        "recipe": run.recipe,
        "history": history,
    }
