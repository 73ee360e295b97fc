"""`zoo reproduce`: train a run's recipe again, and compare."""

from typing import TYPE_CHECKING, Any

import click

from zoo._resumed import require_done
from zoo.reporting import print_json
from zoo.runs import find_run
from zoo_registry import ZooError

from ._completion import run
from ._main import say
from ._output import data_dir_option, json_option, print_table, results
from ._runs_diff import by_how_much

if TYPE_CHECKING:
    from zoo._reproduced import Reproduction  # imports torch


@click.command("reproduce")
@click.argument("run", metavar="RUN", shell_complete=run())
@data_dir_option
@json_option
def reproduce(run: str, data_dir: str | None, *, as_json: bool) -> None:
    """Train the recipe of RUN again, as a run of its own, and say whether the same came out."""
    found = find_run(run)
    require_done(found)
    # Imported here, torch with it: what was mistyped has been answered by now.
    from zoo import reproduce as train_again

    with results(as_json=as_json):
        outcome = train_again(found.path, data_dir=data_dir, progress=not as_json)
    if as_json:
        print_json(_facts(outcome), indent=2)
    else:
        _tell(outcome)
    if not outcome.identical:
        raise ZooError(
            f"{outcome.again.name} is not what {found.name} was; what differs: `zoo runs diff "
            f"{found.name} {outcome.again.name}`"
        )


def _facts(outcome: "Reproduction") -> dict[str, Any]:
    return {
        "run": outcome.original.name,
        "again": outcome.again.name,
        "identical": outcome.identical,
        "differences": outcome.differences,
    }


def _tell(outcome: "Reproduction") -> None:
    if outcome.identical:
        click.echo(f"{outcome.again.name} is bit-identical to {outcome.original.name}")
    rows = [
        (section, key, ours, theirs, by_how_much(section, ours, theirs))
        for section, differing in outcome.differences.items()
        for key, (ours, theirs) in differing.items()
    ]
    if rows:
        say("" if outcome.identical else "what differs:")
        names = (outcome.original.name.upper(), outcome.again.name.upper())
        print_table([tuple(map(str, row)) for row in rows], ("PART", "WHAT", *names, ""))
