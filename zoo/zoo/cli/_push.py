"""`zoo push`: a run to a hub."""

from typing import Any

import click

from zoo._registry import registry
from zoo.hub import (
    Order,
    Pushed,
    parse_place,
    plan_push,
    push_run,
    screen_progress,
)
from zoo.reporting import print_json
from zoo_registry import InvalidOption

from ._completion import run
from ._hub_options import repository, timeout_option
from ._main import say
from ._output import json_option


@click.command("push")
@click.argument("source", metavar="RUN", shell_complete=run())
@click.argument("repo", metavar="USER/REPO", shell_complete=repository)
@click.option(
    "--private/--public",
    default=None,
    help="Of a repository that is made; default: private. One that is there stays as it is.",
)
@click.option("--revision", metavar="B", help="A branch, made where there is none; default: main.")
@click.option("--message", metavar="M", default="", help="Of the commit.")
@click.option("--with-pth", is_flag=True, help="Send model.pth, too.")
@timeout_option
@click.option("--dry-run", "dry", is_flag=True, help="Print what would be sent; send nothing.")
@json_option
def push(  # noqa: PLR0913 - as many as it has flags
    source: str,
    repo: str,
    private: bool | None,
    revision: str | None,
    message: str,
    timeout: float,
    *,
    with_pth: bool,
    dry: bool,
    as_json: bool,
) -> None:
    """Push RUN to USER/REPO on a hub, as one commit, with a card.

    Exit code 1: it was not pushed; 3: nobody answered, and it is not known.
    """
    order = order_for(source, repo, revision)
    order = Order(
        source=order.source,
        place=order.place,
        private=private,
        message=message,
        with_pth=with_pth,
    )
    if dry:
        _show_plan(order, as_json=as_json)
        return
    show_pushed(push_run(order, registry(), screen_progress(), timeout), as_json=as_json)


def order_for(source: str, repo: str, revision: str | None = None) -> Order:
    """Return what is to be pushed where, as the flags' defaults have it.

    Raises:
        InvalidOption: no repository can be called that.
    """
    if "@" in repo:
        raise InvalidOption(f"{repo!r}: a branch to push to is given as --revision")
    place = parse_place(repo if revision is None else f"{repo}@{revision}")
    if place.is_pinned:
        raise InvalidOption("--revision takes a branch to push to, not a commit")
    return Order(source=source, place=place)


def show_pushed(done: Pushed, *, as_json: bool) -> None:
    """Print what a push came to."""
    for note in done.notes:
        say(note)
    if as_json:
        print_json(facts_of(done))
        return
    what = "as commit" if done.changed else "already: nothing was sent, it is commit"
    privacy = "private" if done.private else "public"
    click.echo(f"pushed {done.run} to {done.repo} ({privacy}) {what} {done.commit}")
    click.echo(f"  zoo predict hf:{done.repo} FILE…   ·   zoo pull {done.repo}")


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


def _show_plan(order: Order, *, as_json: bool) -> None:
    subject, files = plan_push(order, registry())
    private = order.private is not False
    if as_json:
        print_json(
            {
                "run": subject.run.name,
                "repo": order.place.repo,
                "revision": order.place.revision,
                "private": private,
                "files": files,
                "written": ["README.md", "config.json", "curves.png", "manifest.json"],
            },
            indent=2,
        )
        return
    privacy = "private" if private else "public"
    click.echo(f"would push {subject.run.name} to {order.place} ({privacy} where it is made)")
    for name, size in files.items():
        click.echo(f"  {name}  {size:,} bytes")
    click.echo("  and README.md, config.json, manifest.json, and where it has epochs curves.png")
