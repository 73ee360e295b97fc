"""`zoo runs rm`: deletes runs that nobody needs."""

import click

from zoo.reporting import print_json
from zoo.runs import find_run, remove_runs

from ._completion import run
from ._output import json_option
from ._runs_show import wants_json


@click.command("rm")
@click.argument("runs", nargs=-1, required=True, metavar="RUN…", shell_complete=run())
@click.option("--force", is_flag=True, help="Also one that is recorded as running.")
@json_option
@click.pass_context
def rm(context: click.Context, runs: tuple[str, ...], *, force: bool, as_json: bool) -> None:
    """Delete each RUN with all of its files; where one is refused, none is deleted.

    Refused is what an alias holds, and what is being trained.
    """
    found = {run.path: run for run in map(find_run, runs)}
    remove_runs(list(found.values()), force=force)
    names = [run.name for run in found.values()]
    if wants_json(context, as_json=as_json):
        print_json({"removed": names}, indent=2)
    else:
        click.echo(f"removed {', '.join(names)}")
