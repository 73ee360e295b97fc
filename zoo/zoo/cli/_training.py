"""Behind `zoo train`: what needs torch."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from zoo._ranked import shared_as, train_on_ranks
from zoo._ranks import rank
from zoo._registry import registry
from zoo._tracked import Trackers
from zoo.recipe import Plan
from zoo.reporting import Json, Silent, print_json, screen_reporter
from zoo.runs import Run
from zoo.training import Request, estimate, train

from ._main import say
from ._output import results


def run(request: Request, name: str | None, *, as_json: bool) -> Run:
    """Train, a new run or one that goes on, showing a bar, lines or JSON."""
    with results(as_json=as_json) as stdout:
        reporter = Json(stdout) if as_json else screen_reporter()
        shown = Silent() if rank() else reporter
        done = train(request, registry(), shown, name)
    if not (as_json or rank()):
        _say_what_next(done)
    return done


def run_on_ranks(  # noqa: PLR0913 - what is trained, and how it is run and shown
    settings: Mapping[str, Any],
    root: Path | None,
    name: str | None,
    *,
    as_json: bool,
    ranks: int,
    max_restarts: int,
    resumed: Path | None = None,
    forced: bool = False,
    trackers: Trackers | None = None,
) -> Run:
    """Train on several ranks, started here."""
    show = "json" if as_json else "screen"
    done = train_on_ranks(
        settings,
        {},
        root,
        name,
        show=show,
        ranks=ranks,
        max_restarts=max_restarts,
        resumed=resumed,
        forced=forced,
        trackers=trackers,
    )
    if not as_json:
        _say_what_next(done)
    return done


def _say_what_next(done: Run) -> None:
    click.echo(f"  zoo predict {done.name} FILE…   ·   zoo eval {done.name}")


def dry_run(plans: Sequence[Plan], root: Path | None, *, several: bool, as_json: bool) -> None:
    """Print the resolved recipe, sizes and a memory estimate.

    Args:
        plans: what was asked.
        root: the folder handed to datasets.
        several: whether ranks would be started; one process tells what they would do.
        as_json: print JSON.
    """
    settings = plans[0].settings
    shared = shared_as(settings, settings["ranks"]) if several else None
    with results(as_json=as_json):
        recipe, sizes = estimate(Request(plans=plans, data_root=root), registry(), say, shared)
    if rank():
        return
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
