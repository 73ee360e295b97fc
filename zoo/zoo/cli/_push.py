"""`zoo push`: a run to a hub."""

import signal
from types import FrameType
from typing import Any

import click

from zoo._registry import registry
from zoo.errors import Stopped
from zoo.hub import (
    DEFAULT,
    TIMEOUT,
    Order,
    Place,
    Pushed,
    place_to_push,
    preview_push,
    push_run,
    screen_progress,
)
from zoo.reporting import print_json

from ._completion import run
from ._hub_options import timeout_option, to_push
from ._main import say
from ._output import json_option


@click.command("push")
@click.argument("source", metavar="RUN", shell_complete=run())
@click.argument("repo", metavar="USER/REPO", shell_complete=to_push)
@click.option(
    "--private/--public",
    default=None,
    help="Of a repository that is made; default: private. One that is there stays as it is.",
)
@click.option(
    "--revision",
    metavar="B",
    default=DEFAULT,
    help="A branch, made where there is none; default: main.",
)
@click.option(
    "--message",
    metavar="M",
    default="",
    help="Of the commit: a line, and what more there is below.",
)
@click.option("--with-pth", is_flag=True, help="Send model.pth, too.")
@timeout_option
@click.option("--dry-run", "dry", is_flag=True, help="Print what would be sent; send nothing.")
@json_option
def push(  # noqa: PLR0913 - as many as it has flags
    source: str,
    repo: str,
    private: bool | None,
    revision: str,
    message: str,
    timeout: float,
    *,
    with_pth: bool,
    dry: bool,
    as_json: bool,
) -> None:
    """Push RUN to USER/REPO on a hub, as one commit, with a card.

    Exit code 1: it was not pushed; 3: nobody answered, and it is not known; 75 and 130: stopped by
    SIGTERM and Ctrl-C.
    """
    place = place_to_push(repo, revision)
    order = Order(source=source, place=place, private=private, message=message, with_pth=with_pth)
    if dry:
        _show_preview(order, as_json=as_json)
        return
    show_pushed(push_now(order, timeout), as_json=as_json)


def push_now(order: Order, timeout: float = TIMEOUT) -> Pushed:
    """Push; SIGTERM ends it as Ctrl-C does, with what is known of it said, and its copies gone.

    Raises:
        ZooError: as `push_run`.
        Stopped: SIGTERM or Ctrl-C came.
    """

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise Stopped("stopped by SIGTERM")

    before = signal.signal(signal.SIGTERM, stop)
    try:
        return push_run(order, registry(), screen_progress(), timeout)
    except KeyboardInterrupt as interrupt:
        raise Stopped(str(interrupt) or "interrupted", exit_code=130) from None
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def show_pushed(done: Pushed, *, as_json: bool) -> None:
    """Print what a push came to."""
    for note in done.notes:
        say(note)
    if as_json:
        print_json(facts_of(done))
        return
    place = Place(done.repo, done.revision)
    privacy = "private" if done.private else "public"
    if done.changed:
        click.echo(f"pushed {done.run} to {place} ({privacy}) as commit {done.commit}")
    else:
        click.echo(f"nothing was sent: {place} ({privacy}) has {done.run}, as commit {done.commit}")
    click.echo(f"  zoo predict hf:{place} FILE…   ·   zoo pull {place}")


def facts_of(done: Pushed) -> dict[str, Any]:
    """Return what a push came to, for programs."""
    return {
        "pushed": done.run,
        "repo": done.repo,
        "revision": done.revision,
        "commit": done.commit,
        "changed": done.changed,
        "private": done.private,
        "files": dict(done.files),
    }


def _show_preview(order: Order, *, as_json: bool) -> None:
    run, files, notes = preview_push(order, registry())
    for note in notes:
        say(note)
    private = order.private is not False
    if as_json:
        repo, revision = order.place
        facts = {"run": run, "repo": repo, "revision": revision, "private": private}
        print_json({**facts, "files": files}, indent=2)
        return
    privacy = "private" if private else "public"
    click.echo(f"would push {run} to {order.place} ({privacy} where it is made)")
    for name, size in files.items():
        click.echo(f"  {name}  {size:,} bytes")
    click.echo("Where a card is there already, what you have written into it stays, and is added.")
