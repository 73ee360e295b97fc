"""Columns for people, also of ten thousand rows."""

from collections.abc import Sequence


def columns(rows: Sequence[Sequence[str]], header: Sequence[str]) -> str:
    """Return rows in aligned columns under a header, as one text to be written at once."""
    table = [header, *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    # The last column needs no spaces behind it.
    pattern = "  ".join([*(f"%-{width}s" for width in widths[:-1]), "%s"])
    return "\n".join([(pattern % tuple(row)).rstrip() for row in table])
