"""What `zoo train` and `zoo resume` have in common on trackers."""

from typing import Any

import click

from zoo import recipe
from zoo._tracked import PREFIX

from ._completion import component

track_option = click.option(
    "--track",
    multiple=True,
    metavar="NAME",
    shell_complete=component("tracker"),
    help="A tracker that follows the training.",
)


def part_sets(sets: tuple[str, ...]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Tell --set KEY=VALUE of a training from those of trackers, which are parsed.

    Raises:
        InvalidOption: one of a tracker has no `=`.
    """
    options = [text for text in sets if text.strip().startswith(PREFIX)]
    rest = tuple(text for text in sets if text not in options)
    return rest, dict(recipe.parse_setting(text, check=str) for text in options)
