"""What commands print: aligned columns for people, JSON for programs."""

import json
from collections.abc import Sequence
from typing import Any

import click

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")
data_dir_option = click.option(
    "--data-dir", metavar="DIR", help="Folder of the datasets' files (default: the zoo's own)."
)
device_option = click.option(
    "--device", default=None, metavar="D", help="auto, cpu, cuda, cuda:1 or mps."
)


def print_json(value: Any) -> None:
    """Print a JSON value, indented."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def print_table(rows: Sequence[Sequence[object]], header: Sequence[str]) -> None:
    """Print rows in aligned columns under a header."""
    table = [list(map(str, row)) for row in (header, *rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(header))]
    for row in table:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())
