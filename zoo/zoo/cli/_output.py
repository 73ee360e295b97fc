"""What commands share: options, and aligned columns for people."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import TextIO

import click

from ._completion import folder, one_of
from ._table import columns

DEVICES = ("auto", "cpu", "cuda", "mps")
"""What devices are called, less those with a number."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")
data_dir_option = click.option(
    "--data-dir",
    metavar="DIR",
    shell_complete=folder,
    help="Folder of the datasets' files (default: the zoo's own).",
)
device_option = click.option(
    "--device",
    default=None,
    metavar="D",
    shell_complete=one_of(*DEVICES),
    help="auto, cpu, cuda, cuda:1 or mps.",
)


@contextmanager
def results(*, as_json: bool) -> Iterator[TextIO]:
    """Yield the stream for a command's results, which is stdout.

    Where they are JSON they have it for themselves: what models and datasets print meanwhile goes
    to stderr.
    """
    stdout = sys.stdout
    with redirect_stdout(sys.stderr if as_json else stdout):
        yield stdout


def print_table(rows: Sequence[Sequence[object]], header: Sequence[str]) -> None:
    """Print rows in aligned columns under a header."""
    click.echo(columns([tuple(map(str, row)) for row in rows], header))
