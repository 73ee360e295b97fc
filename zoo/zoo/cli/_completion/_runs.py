"""Names of runs, and the aliases that mean them."""

import os
from contextlib import suppress

import click

from zoo.home import runs_dir

from ._items import Completer, Items, items
from ._paths import beside


def run(*files: str) -> Completer:
    """Complete a run's name, an @alias, hf: and what was pulled, or a file with such a suffix."""

    def complete(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> Items:
        if incomplete.startswith("hf:"):
            return items(_pulled(), incomplete)
        found = items([*_names(), *_aliases("@")], incomplete)
        return beside(found, incomplete, files)

    return complete


def alias(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> Items:
    """Complete an alias, with its @ where that was typed."""
    return items(_aliases("@" if incomplete.startswith("@") else ""), incomplete)


def _pulled() -> list[str]:
    from zoo.hub import SIGN, pulled_places  # here, for it is seldom asked for

    return [f"{SIGN}{place}" for place in pulled_places()]


def _names() -> list[str]:
    # Their records are not looked at: a name is there at once also among ten thousand.
    with suppress(OSError), os.scandir(runs_dir()) as entries:
        return sorted(entry.name for entry in entries if entry.name[0] != "." and entry.is_dir())
    return []


def _aliases(sign: str) -> list[tuple[str, str]]:
    # Imported here: the commands import this module, and seldom complete anything.
    from zoo.runs import list_aliases

    return [(f"{sign}{found.name}", found.run) for found in list_aliases() if found.run]
