"""`zoo runs`: the trained models of this machine."""

from typing import Any

import click

from zoo.home import user_path
from zoo.reporting import format_metrics, print_json
from zoo.runs import Run, find_run, list_runs

from ._output import json_option, print_table


@click.group("runs", invoke_without_command=True)
@json_option
@click.pass_context
def runs(context: click.Context, as_json: bool) -> None:
    """List the runs, the newest first."""
    if context.invoked_subcommand is not None:
        return
    found = list_runs()
    if as_json:
        print_json([_summary(run) for run in found], indent=2)
    elif found:
        rows = [
            (run.name, run.state, _metric(run), run.recipe.get("dataset", ""), run.created[:16])
            for run in found
        ]
        print_table(rows, ("RUN", "STATE", "METRIC", "DATASET", "CREATED"))
    else:
        click.echo("no runs yet; `zoo train mnist-cnn` makes one", err=True)


@runs.command("show")
@click.argument("run", metavar="RUN")
@json_option
@click.pass_context
def show(context: click.Context, run: str, as_json: bool) -> None:
    """Show one run: its metrics, recipe, files and where it came from."""
    found = _find(run)
    if as_json or (context.parent is not None and context.parent.params["as_json"]):
        print_json(_details(found), indent=2)
        return
    click.echo(f"{found.name}  {found.state}\n{found.path}\n{found.reason}".rstrip() + "\n")
    for key, value in found.record.items():
        if key == "metrics" and value:
            click.echo(f"{key:<13} {format_metrics(value)}")
        elif key not in ("name", "state") and value not in ({}, [], None):
            click.echo(f"{key:<13} {_text(value)}")
    click.echo("\nrecipe")
    options = found.recipe.get("options", {})
    parts = {f"{part}.{name}": v for part, values in options.items() for name, v in values.items()}
    for key, value in {**found.recipe, "options": {}, **parts}.items():
        if value != {}:
            click.echo(f"  {key:<24} {_text(value)}")


def _find(name: str) -> Run:
    """Find a run; a path of the user's home is one, too."""
    return find_run(user_path(name) if name.startswith("~") else name)


def _details(run: Run) -> dict[str, Any]:
    """Return all there is to say of a run; its state is what it is now, not what was recorded."""
    return {
        **run.record,
        "name": run.name,
        "state": run.state,
        "reason": run.reason,
        "path": str(run.path),
        "recipe": run.recipe,
        "history": run.history,
    }


def _summary(run: Run) -> dict[str, Any]:
    return {
        "name": run.name,
        "state": run.state,
        "model": run.recipe.get("model"),
        "dataset": run.recipe.get("dataset"),
        "metrics": run.metrics,
        "created": run.created,
        "path": str(run.path),
    }


def _metric(run: Run) -> str:
    """Show the metric that chose the run's weights."""
    name = str(run.recipe.get("monitor", "")).partition(":")[0]
    return format_metrics({name: run.metrics[name]}) if name in run.metrics else ""


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return "  ".join(f"{key}={_text(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)
