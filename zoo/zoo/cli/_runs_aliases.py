"""`zoo runs tag`, `untag` and `aliases`: names that move from run to run."""

from collections.abc import Sequence
from typing import Any

import click

from zoo.home import runs_dir
from zoo.reporting import print_json
from zoo.runs import Alias, any_alias, find_run, list_aliases
from zoo.runs import tag as give
from zoo.runs import untag as take

from ._completion import alias as alias_name
from ._completion import run as run_name
from ._main import say
from ._output import json_option
from ._runs_show import wants_json
from ._table import columns

_DIGITS = 12
"""Of a digest, that people are shown."""


@click.command("tag")
@click.argument("run", metavar="RUN", shell_complete=run_name())
@click.argument("alias", metavar="ALIAS", shell_complete=alias_name)
@json_option
@click.pass_context
def tag(context: click.Context, run: str, alias: str, *, as_json: bool) -> None:
    """Make ALIAS mean RUN, and exactly the weights it has; @ALIAS stands wherever a run can.

    An ALIAS that meant another run is moved, and its history kept.
    """
    given = give(find_run(run), alias)
    if wants_json(context, as_json=as_json):
        print_json(_details(given), indent=2)
        return
    click.echo(f"@{given.name} is {given.run}{_before(given)}")


@click.command("untag")
@click.argument("alias", metavar="ALIAS", shell_complete=alias_name)
@json_option
@click.pass_context
def untag(context: click.Context, alias: str, *, as_json: bool) -> None:
    """Remove ALIAS; the run stays, and so does the alias's history."""
    taken = take(alias)
    if wants_json(context, as_json=as_json):
        print_json(_details(taken), indent=2)
        return
    click.echo(f"@{taken.name} is no more{_before(taken)}")


@click.command("aliases")
@click.argument("alias", metavar="[ALIAS]", required=False, shell_complete=alias_name)
@json_option
@click.pass_context
def aliases(context: click.Context, alias: str | None, *, as_json: bool) -> None:
    """List the aliases and what they mean; with an ALIAS all it ever meant, the newest first."""
    found = list_aliases() if alias is None else [any_alias(alias)]
    if wants_json(context, as_json=as_json):
        print_json([_details(each) for each in found], indent=2)
        return
    for each in found:
        if each.fault:
            say(f"the alias {each.name} is damaged: {each.fault}")
    rows = _current(found) if alias is None else _changes(found[0])
    if rows:
        click.echo(columns(rows, ("ALIAS", "RUN", "SINCE", "WEIGHTS", "")))
    elif alias is None:
        say("no aliases yet; `zoo runs tag RUN production` makes one")


def _before(alias: Alias) -> str:
    """Say what an alias meant before its last change."""
    earlier = alias.history[-2].run if len(alias.history) > 1 else None
    return f" (it was {earlier})" if earlier not in (None, alias.run) else ""


def _current(found: Sequence[Alias]) -> list[list[str]]:
    return [
        [each.name, str(each.run), *_when(each, -1), "" if _is_there(each) else "gone"]
        for each in found
        if each.run is not None
    ]


def _changes(alias: Alias) -> list[list[str]]:
    return [
        [alias.name, change.run or "(removed)", *_when(alias, index), ""]
        for index, change in reversed(list(enumerate(alias.history)))
    ]


def _when(alias: Alias, index: int) -> tuple[str, str]:
    change = alias.history[index]
    return change.time[:16], (change.weights or "")[:_DIGITS]


def _is_there(alias: Alias) -> bool:
    return (runs_dir() / str(alias.run)).is_dir()


def _details(alias: Alias) -> dict[str, Any]:
    return {
        "alias": alias.name,
        "run": alias.run,
        "weights": alias.weights,
        "fault": alias.fault,
        "history": [
            {"time": change.time, "run": change.run, "weights": change.weights}
            for change in alias.history
        ],
    }
