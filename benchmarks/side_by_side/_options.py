"""The flags that all commands share, and what they do with them."""

import argparse
import json
import sys
from collections.abc import Sequence

from ._compare import Comparison, compare
from ._process import SideFailed
from ._show import as_table
from ._side import Side


def options_parser(doc: str | None, rounds: int) -> argparse.ArgumentParser:
    """Return a parser of the flags that every command has.

    Args:
        doc: of the command's module; its first line is the help's.
        rounds: by default.
    """
    parser = argparse.ArgumentParser(description=(doc or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, metavar="N", help=f"default: {rounds}")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument(
        "--quick", action="store_true", help="a trial on a little made-up data: no true figures"
    )
    parser.set_defaults(default_rounds=rounds)
    return parser


def measure_and_show(
    name: str,
    sides: Sequence[Side],
    comparisons: Sequence[Comparison],
    options: argparse.Namespace,
) -> None:
    """Measure, telling of it on stderr, and print a table or JSON on stdout.

    Where a side fails, the program ends with 1 and the end of what the side printed.
    """
    rounds = options.rounds or (1 if options.quick else options.default_rounds)
    try:
        report = compare(name, sides, comparisons, rounds=rounds, say=say)
    except SideFailed as failure:
        sys.exit(str(failure))
    report["quick"] = options.quick
    print(json.dumps(report, indent=2) if options.json else as_table(report))


def say(text: str) -> None:
    """Tell on stderr how far it is."""
    print(text, file=sys.stderr, flush=True)
