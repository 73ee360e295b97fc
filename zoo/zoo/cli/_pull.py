"""`zoo pull`: a model from a hub."""

import click

from zoo._weight_files import read_metadata
from zoo.hub import SIGN, parse_place, pull_model, screen_progress
from zoo.reporting import print_json

from ._hub_options import repository, timeout_option
from ._info_file import why_not_usable
from ._main import say
from ._output import json_option


@click.command("pull")
@click.argument("repo", metavar="USER/REPO[@REV]", shell_complete=repository)
@timeout_option
@json_option
def pull(repo: str, timeout: float, *, as_json: bool) -> None:
    """Bring a model from a hub to this machine, compared with its digests.

    REV is a branch, a tag or a whole commit. hf:USER/REPO[@REV] then stands for it wherever a run
    can.
    """
    done = pull_model(parse_place(repo), screen_progress(), timeout)
    if as_json:
        print_json(
            {
                "repo": done.repo,
                "revision": done.revision,
                "commit": done.commit,
                "path": str(done.path),
                "changed": done.changed,
            }
        )
        return
    what = f"pulled {done.name}" if done.changed else f"{done.name} is here already"
    click.echo(f"{what}, commit {done.commit}")
    click.echo(f"  {done.path}")
    if missing := why_not_usable(done.weights, done.metadata or read_metadata(done.weights)):
        say(f"note: {missing}")
        return
    click.echo(f"  zoo predict {SIGN}{done.repo}@{done.commit} FILE…")
