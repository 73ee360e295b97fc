"""What a training shows: a live bar, lines, JSON, or nothing."""

import sys

from ._lines import Json, Lines, format_metrics, print_json
from ._reporter import EpochRow, Reporter, Silent, Started

__all__ = [
    "EpochRow",
    "Json",
    "Lines",
    "Reporter",
    "Silent",
    "Started",
    "format_metrics",
    "print_json",
    "screen_reporter",
]


def screen_reporter() -> Reporter:
    """Return a live bar where a person watches a terminal, else one line an epoch."""
    if sys.stdout.isatty() and sys.stderr.isatty():
        # rich takes a while to import; only those who see it pay.
        from ._bar import Bar

        return Bar()
    return Lines()
