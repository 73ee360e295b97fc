"""Markdown in which a text stays what it is, whatever is in it."""

import re
from collections.abc import Iterator, Mapping

_MEANT = re.compile(r"[\\`*_\[\]<>#&~$]")
"""What Markdown, or HTML within it, takes for more than a character."""
_TICKS = re.compile("`+")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


def plain(text: str) -> str:
    """Return a text on one line that reads as it is."""
    return _MEANT.sub(r"\\\g<0>", _one_line(text))


def code(text: str) -> str:
    """Return a text on one line as code; nothing for nothing."""
    line = _one_line(text)
    if not line:
        return ""
    ticks = _longer_than(line, 0)
    space = " " if line[0] == "`" or line[-1] == "`" else ""
    return f"{ticks}{space}{line}{space}{ticks}"


def fenced(text: str, language: str) -> str:
    """Return lines as a block of code."""
    ticks = _longer_than(text, 2)
    return f"{ticks}{language}\n{text}\n{ticks}"


def table(rows: Mapping[str, str], head: str = "| | |") -> str:
    """Return a table of two columns; a row that says nothing is left out.

    Args:
        rows: what `plain` and `code` have made.
        head: its first line.
    """
    lines = (f"| {key} | {_cell(text)} |" for key, text in rows.items() if text)
    return "\n".join((head, "| --- | --- |", *lines))


def blocks(text: str) -> Iterator[str]:
    """Part a text at its empty lines, but for those within blocks of code.

    Each has the lines that follow it, so that together they are the text.
    """
    block: list[str] = []
    open_with, ended = "", False
    for line in text.splitlines(keepends=True):
        if ended and line.strip():
            yield "".join(block)
            block, ended = [], False
        block.append(line)
        if found := _FENCE.match(line):
            ticks = found[1]
            if not open_with:
                open_with = ticks
            elif ticks.startswith(open_with) and line.strip() == ticks:
                open_with = ""
        ended = ended or not (line.strip() or open_with)
    if block:
        yield "".join(block)


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _longer_than(text: str, least: int) -> str:
    """Return backticks, more than there are in a row in a text."""
    return "`" * (max([least, *map(len, _TICKS.findall(text))]) + 1)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
