"""What a completion is made of."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeAlias

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Items: TypeAlias = "list[CompletionItem[str]]"
Completer = Callable[[click.Context, click.Parameter, str], Items]
"""What `shell_complete=` of an option or an argument takes."""

OPEN = ("=", ":", "/", ".")
"""Endings after which a word goes on: the shells put no space behind them."""


def items(values: Iterable[str | tuple[str, str]], incomplete: str = "") -> Items:
    """Return items for those of the values that begin with `incomplete`.

    Args:
        values: texts, or pairs of a text and a line about it.
        incomplete: what was typed of it.
    """
    # Imported here: the commands import this module, and hardly ever complete anything.
    from click.shell_completion import CompletionItem

    pairs = (value if isinstance(value, tuple) else (value, "") for value in values)
    return [
        CompletionItem(text, help=about or None)
        for text, about in pairs
        if text.startswith(incomplete)
    ]


def one_of(*values: str) -> Completer:
    """Complete one of the values."""

    def complete(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> Items:
        return items(values, incomplete)

    return complete
