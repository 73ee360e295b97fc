"""What commands on hubs share."""

import click

from zoo.hub import TIMEOUT, pulled_places

from ._completion import Items, items

timeout_option = click.option(
    "--timeout",
    type=float,
    default=TIMEOUT,
    metavar="S",
    help=f"Seconds for all of it (default: {TIMEOUT:g}).",
)


def repository(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> Items:
    """Complete the name of what was pulled before."""
    return items(pulled_places(), incomplete)


def to_push(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> Items:
    """Complete a repository of which something was pulled before."""
    repos = dict.fromkeys(place.partition("@")[0] for place in pulled_places())
    return items(repos, incomplete)
