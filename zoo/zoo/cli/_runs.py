"""`zoo runs`: the trained models of this machine."""

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import click

from zoo.home import runs_dir
from zoo.runs import (
    STATES,
    Query,
    Summary,
    find_alias,
    list_aliases,
    parse_condition,
    select,
    sort,
    summaries,
)
from zoo_registry import nearest

from ._completion import alias as alias_name
from ._completion import component
from ._main import say
from ._output import json_option
from ._subcommands import Subcommands
from ._table import columns

SUBCOMMANDS = {
    "aliases": "_runs_aliases",
    "diff": "_runs_diff",
    "rm": "_runs_remove",
    "show": "_runs_show",
    "tag": "_runs_aliases",
    "untag": "_runs_aliases",
}
"""Where each subcommand lives."""


class Runs(Subcommands):
    """A list that takes patterns, with subcommands: a first word that is none is a pattern."""

    places = SUBCOMMANDS

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Tell patterns from subcommands; flags may follow a pattern."""
        _, words, _ = self.make_parser(ctx).parse_args(list(args))
        if words and words[0] in SUBCOMMANDS:
            return super().parse_args(ctx, args)
        ctx.allow_interspersed_args = True
        return click.Command.parse_args(self, ctx, args)


@click.group(
    "runs",
    cls=Runs,
    invoke_without_command=True,
    subcommand_metavar="[PATTERN]… | COMMAND …",
)
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="PATTERN",
    shell_complete=component("model"),
    help="Only of this model.",
)
@click.option(
    "--dataset",
    "datasets",
    multiple=True,
    metavar="PATTERN",
    shell_complete=component("dataset"),
    help="Only on this data.",
)
@click.option("--state", "states", multiple=True, type=click.Choice(STATES), help="Only such.")
@click.option(
    "--alias", metavar="ALIAS", shell_complete=alias_name, help="Only the run that has this alias."
)
@click.option("--tagged", is_flag=True, help="Only runs that have an alias.")
@click.option("--where", multiple=True, metavar="CONDITION", help='Only such: "accuracy>0.9".')
@click.option("--sort", "key", metavar="KEY", help="A metric, seconds, created, name, model, …")
@click.option("--reverse", is_flag=True, help="The other way round.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N.")
@json_option
@click.pass_context
def runs(context: click.Context, /, **flags: Any) -> None:
    """List the runs, the newest first; with a PATTERN ("mnist*") those whose name matches.

    --sort METRIC begins with the best.
    """
    if context.invoked_subcommand is not None:
        _require_no_other(flags)
        return
    rows = summaries()
    held = _holders()
    found = _chosen(rows, held, context.args, flags)
    if flags["as_json"]:
        click.echo(_as_json(found, held))
    elif found:
        click.echo(_as_table(found, held, flags["key"]))
    else:
        say(_nothing(rows, context.args))


def _require_no_other(flags: Mapping[str, Any]) -> None:
    """Refuse flags of the list before a subcommand, where they would mean nothing; --json does."""
    if any(value for name, value in flags.items() if name != "as_json"):
        raise click.UsageError("flags of the list go with no subcommand")


def _holders() -> dict[str, list[str]]:
    """Return the aliases of each run that has some; damaged ones are named on stderr."""
    held: dict[str, list[str]] = {}
    for alias in list_aliases():
        if alias.fault:
            say(f"the alias {alias.name} is damaged: {alias.fault}")
        elif alias.run is not None:
            held.setdefault(alias.run, []).append(alias.name)
    return held


def _chosen(
    rows: Sequence[Summary],
    held: Mapping[str, Sequence[str]],
    patterns: Sequence[str],
    flags: Mapping[str, Any],
) -> list[Summary]:
    """Return the rows that were asked for, in the order that was asked for."""
    query = Query(
        names=patterns,
        models=flags["models"],
        datasets=flags["datasets"],
        states=flags["states"],
        conditions=[parse_condition(text) for text in flags["where"]],
    )
    found = select(rows, query)
    if flags["tagged"]:
        found = [row for row in found if row.name in held]
    if flags["alias"] is not None:
        name = find_alias(flags["alias"]).run
        found = [row for row in found if row.name == name]
    if flags["key"] is not None or flags["reverse"]:
        found = sort(found, flags["key"] or "created", reverse=flags["reverse"])
    return found[: flags["limit"]]


def _as_json(rows: Sequence[Summary], held: Mapping[str, Sequence[str]]) -> str:
    """Return an array with one object a line, put together from what is JSON already.

    Of ten thousand runs, `json.dumps` would take longer than all the rest.
    """
    quote = json.encoder.encode_basestring_ascii
    folder = f"{runs_dir()}{os.sep}"
    lines = [
        f'{{"name": {quote(row.name)}, "state": "{row.state}", '
        f'"model": {quote(row.model) if row.model else "null"}, '
        f'"dataset": {quote(row.dataset) if row.dataset else "null"}, '
        f'"metrics": {row.metrics_json}, "created": "{row.created}", '
        f'"seconds": {"null" if row.seconds is None else row.seconds}, '
        f'"aliases": {json.dumps(held[row.name]) if row.name in held else "[]"}, '
        f'"path": {quote(folder + row.name)}}}'
        for row in rows
    ]
    return "[\n" + ",\n".join(lines) + "\n]" if lines else "[]"


def _as_table(rows: Sequence[Summary], held: Mapping[str, Sequence[str]], key: str | None) -> str:
    cells = [
        (
            row.name,
            row.state,
            _metric(row, key),
            row.dataset,
            row.created[:16],
            ", ".join(held[row.name]) if row.name in held else "",
        )
        for row in rows
    ]
    return columns(cells, ("RUN", "STATE", "METRIC", "DATASET", "CREATED", "ALIASES"))


def _metric(row: Summary, key: str | None) -> str:
    """Show the metric that the list is sorted by, else the one that chose the run's weights."""
    if key is not None and key in (metrics := row.metrics):
        from zoo.reporting import format_metrics  # here, as subcommands are: for a quick list

        return format_metrics({key: metrics[key]})
    return "" if row.best is None else f"{row.monitor} {row.best:.4f}"


def _nothing(rows: Sequence[Summary], patterns: Sequence[str]) -> str:
    """Say why the list is empty."""
    if not rows:
        return "no runs yet; `zoo train mnist-cnn` makes one"
    close = nearest(patterns[0], SUBCOMMANDS) if patterns else ()
    hint = f"; did you mean `zoo runs {close[0]}`?" if close else ""
    return f"none of {len(rows)} runs is such{hint}"
