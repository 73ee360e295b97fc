"""`zoo runs`: the trained models of this machine."""

from typing import Any

import click

from zoo.runs import Run, find_run, list_runs

from ._output import json_option, print_json, print_table


@click.group("runs", invoke_without_command=True)
@json_option
@click.pass_context
def runs(context: click.Context, as_json: bool) -> None:
    """List the runs, the newest first."""
    if context.invoked_subcommand is not None:
        return
    found = list_runs()
    if as_json:
        print_json([_summary(run) for run in found])
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
def show(run: str, as_json: bool) -> None:
    """Show one run: its metrics, recipe, files and where it came from."""
    found = find_run(run)
    if as_json:
        print_json(
            {
                **found.record,
                "path": str(found.path),
                "recipe": found.recipe,
                "history": found.history,
            }
        )
        return
    click.echo(f"{found.name}  {found.state}\n{found.path}\n")
    for key, value in found.record.items():
        if key not in ("name", "state") and value not in ({}, [], None):
            click.echo(f"{key:<13} {_text(value)}")
    click.echo("\nrecipe")
    for key, value in found.recipe.items():
        click.echo(f"  {key:<11} {_text(value)}")


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
    return f"{name} {run.metrics[name]:.4f}" if name in run.metrics else ""


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return "  ".join(f"{key}={_text(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)
