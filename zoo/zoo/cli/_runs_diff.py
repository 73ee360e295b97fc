"""`zoo runs diff`: in what two runs differ."""

import re
from collections.abc import Mapping
from typing import Any

import click

from zoo.reporting import print_json
from zoo.runs import Difference, diff_runs, find_run

from ._completion import run
from ._output import json_option
from ._runs_show import text_of, wants_json
from ._table import columns

_DIGEST = re.compile("[0-9a-f]{64}")
"""Of which people need only see that it differs."""


@click.command("diff")
@click.argument("a", metavar="A", shell_complete=run())
@click.argument("b", metavar="B", shell_complete=run())
@json_option
@click.pass_context
def diff(context: click.Context, a: str, b: str, *, as_json: bool) -> None:
    """Show in what run B differs from run A: recipe, metrics, data, plugins, code, environment."""
    first, second = find_run(a), find_run(b)
    sections = diff_runs(first, second)
    if wants_json(context, as_json=as_json):
        print_json({"a": first.name, "b": second.name, **sections}, indent=2)
        return
    if not sections:
        click.echo(f"{first.name} and {second.name} do not differ")
        return
    names = (first.name, second.name)
    click.echo("\n\n".join(_table(title, rows, names) for title, rows in sections.items()))


def _table(title: str, differences: Mapping[str, Difference], names: tuple[str, str]) -> str:
    rows = [
        (key, _shown(ours), _shown(theirs), by_how_much(title, ours, theirs))
        for key, (ours, theirs) in differences.items()
    ]
    return columns(rows, (title.upper(), *names, ""))


def _shown(value: Any) -> str:
    if isinstance(value, str) and _DIGEST.fullmatch(value):
        return value[:12]
    return "-" if value is None else text_of(value)


def by_how_much(section: str, ours: Any, theirs: Any) -> str:
    """Return the difference of two metrics, as text; nothing for what are none."""
    if section != "metrics" or not all(isinstance(value, int | float) for value in (ours, theirs)):
        return ""
    return f"{theirs - ours:+.6g}"
