"""`zoo plugins check`: whether a plugin keeps its side of the contract."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

import zoo_registry
from zoo._files import write_text
from zoo._registry import registry
from zoo.conformance import Check, Outcome, badge, plan_checks, run_apart
from zoo.home import user_path
from zoo.reporting import print_json
from zoo_registry import UsageError, ZooError

from ._completion import Items, items
from ._completion import plugin as plugin_name
from ._main import say
from ._output import data_dir_option, json_option, print_table

_MANY = 500
"""Checks that take so long that one should know how to ask for less."""


def _offered(context: click.Context, _parameter: click.Parameter, incomplete: str) -> Items:
    """Complete the name of something that the plugin offers."""
    entries = registry().select(f"{context.params.get('name')}/*")
    return items([(entry.spec.name, entry.spec.summary) for entry in entries], incomplete)


@click.command("check")
@click.argument("name", shell_complete=plugin_name)
@click.argument("patterns", nargs=-1, metavar="[PATTERN]…", shell_complete=_offered)
@click.option("--badge", "badge_file", metavar="FILE.svg", help="Write a badge of the result.")
@click.option(
    "--timeout", default=120.0, metavar="SECONDS", help="For one check; more is a failure."
)
@data_dir_option
@json_option
def check(
    name: str,
    patterns: tuple[str, ...],
    badge_file: str | None,
    timeout: float,
    data_dir: str | None,
    as_json: bool,
) -> None:
    """Check that what plugin NAME offers does what zoo and its users rely on.

    With PATTERNs, only the specs whose names match. Nothing is downloaded.
    """
    if badge_file is not None and patterns:
        raise UsageError("a badge is of the whole plugin; leave out the patterns")
    if badge_file is not None and not Path(badge_file).absolute().parent.is_dir():
        raise UsageError(f"there is no folder for {badge_file}; create it first")
    # Loaded afresh: what other commands remember of a plugin is not what is checked.
    root = None if data_dir is None else user_path(data_dir)
    checks = plan_checks(zoo_registry.load(), name, patterns, data_root=root)
    if len(checks) > _MANY:
        say(f"{len(checks):,} checks; patterns choose: zoo plugins check {name} 'a*'")
    arguments = [name, "" if root is None else str(root.absolute()), json.dumps(patterns)]
    outcomes = []
    for planned, outcome in zip(checks, run_apart(checks, arguments, limit=timeout), strict=True):
        outcomes.append(outcome)
        if sys.stderr.isatty():
            say(f"{len(outcomes)}/{len(checks)} {planned.name}: {outcome.verdict}")
    plugin = checks[0].subject.plugin
    _show(checks, outcomes, as_json=as_json)
    if badge_file is not None:
        write_text(Path(badge_file), badge(outcomes, plugin.version))
    failed = [c.name for c, o in zip(checks, outcomes, strict=True) if not o.holds]
    if failed:
        more = f" and {len(failed) - 3} more" if len(failed) > 3 else ""
        raise ZooError(
            f"{len(failed)} of {len(outcomes)} checks of {name} ({plugin.origin}) failed: "
            f"{'; '.join(failed[:3])}{more}"
        )


def _show(checks: Sequence[Check], outcomes: Sequence[Outcome], *, as_json: bool) -> None:
    pairs = list(zip(checks, outcomes, strict=True))
    if as_json:
        print_json([_row(*pair) for pair in pairs], indent=2)
    else:
        print_table([_cells(*pair) for pair in pairs], ("SUBJECT", "CHECK", "VERDICT", "DETAIL"))


def _row(planned: Check, outcome: Outcome) -> dict[str, Any]:
    return {
        "subject": planned.subject.name,
        "kind": planned.kind,
        "check": planned.title,
        "verdict": outcome.verdict.lower(),
        "detail": outcome.detail,
        "seconds": round(outcome.seconds, 3),
    }


def _cells(planned: Check, outcome: Outcome) -> tuple[str, ...]:
    return (planned.subject.name, planned.title, outcome.verdict, outcome.detail)
