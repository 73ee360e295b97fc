"""Behind `zoo train`: what needs torch."""

from collections.abc import Sequence
from pathlib import Path

import click

from zoo._registry import registry
from zoo.recipe import Plan
from zoo.reporting import Json, print_json, screen_reporter
from zoo.training import Request, estimate, train

from ._main import say
from ._output import results


def run(plans: Sequence[Plan], root: Path | None, name: str | None, *, as_json: bool) -> None:
    """Train, showing a bar, lines or JSON."""
    with results(as_json=as_json) as stdout:
        reporter = Json(stdout) if as_json else screen_reporter()
        done = train(Request(plans=plans, data_root=root), registry(), reporter, name)
    if not as_json:
        click.echo(f"  zoo predict {done.name} FILE…   ·   zoo eval {done.name}")


def dry_run(plans: Sequence[Plan], root: Path | None, _name: str | None, *, as_json: bool) -> None:
    """Print the resolved recipe, sizes and a memory estimate."""
    with results(as_json=as_json):
        recipe, sizes = estimate(Request(plans=plans, data_root=root), registry(), say)
    if as_json:
        print_json({"recipe": recipe.to_dict(), **sizes}, indent=2)
        return
    click.echo(recipe.to_toml())
    for key, value in sizes.items():
        click.echo(
            f"# {key.replace('_', ' ')}: {value:,}"
            if isinstance(value, int)
            else f"# {key}: {value}"
        )
