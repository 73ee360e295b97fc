"""Paths, completed here rather than by the shell: they may stand behind `folder:` or `--flag=`."""

import os
from collections.abc import Collection, Iterator
from contextlib import suppress

import click

from ._items import Completer, Items, items

WEIGHTS = (".safetensors", ".pth", ".pt")
"""Suffixes of weight files."""


def path(*suffixes: str) -> Completer:
    """Complete the path of a file with one of these suffixes (none: of any file)."""

    def complete(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> Items:
        return paths(incomplete, suffixes=suffixes or None)

    return complete


def folder(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> Items:
    """Complete the path of a folder."""
    return paths(incomplete, suffixes=())


def beside(found: Items, incomplete: str, suffixes: Collection[str]) -> Items:
    """Add files to names that were found; folders only where a path is meant, or nothing else.

    A list of names would be lost among the folders that lie about.
    """
    if not suffixes:
        return found
    files = paths(incomplete, suffixes=suffixes)
    if found and "/" not in incomplete:
        files = [file for file in files if not file.value.endswith("/")]
    return found + files


def paths(incomplete: str, *, prefix: str = "", suffixes: Collection[str] | None = None) -> Items:
    """Return items for the paths that begin with `incomplete`.

    Args:
        incomplete: what was typed of the path; a `~` before it stays as it is.
        prefix: what stands before the path in the word.
        suffixes: of the files to offer, folders besides; None: all files.
    """
    head, separator, tail = incomplete.rpartition("/")
    with suppress(OSError, ValueError):
        found = sorted(_listed(head + separator, tail, suffixes))
        return items(f"{prefix}{head}{separator}{name}" for name in found)
    return []


def _listed(where: str, tail: str, suffixes: Collection[str] | None) -> Iterator[str]:
    with os.scandir(os.path.expanduser(where) or ".") as entries:  # noqa: PTH111 - as typed
        for entry in entries:
            if not entry.name.startswith(tail) or (entry.name[0] == "." and not tail):
                continue
            if entry.is_dir():
                yield f"{entry.name}/"
            elif suffixes is None or entry.name.endswith(tuple(suffixes)):
                yield entry.name
