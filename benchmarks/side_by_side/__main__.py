"""Calls one side's function in this process, and leaves what it measured in a file.

python -m side_by_side MODULE:FUNCTION '{"setting": "value"}' RESULT.json
"""

import importlib
import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path


class Screen(io.TextIOWrapper):
    """A terminal that nobody watches: bars are drawn and cost what they cost, to no one's eyes."""

    def isatty(self) -> bool:
        """Say that it is one, so that nobody falls back to a quieter way of telling."""
        return True


@contextmanager
def on_a_screen() -> Iterator[None]:
    """Let everything that the block prints go to such a terminal."""
    with (
        Path(os.devnull).open("wb") as nowhere,
        Screen(nowhere, encoding="utf-8", line_buffering=True) as screen,
        redirect_stdout(screen),
        redirect_stderr(screen),
    ):
        yield


def main() -> None:
    """Call the function."""
    call, settings, result = sys.argv[1:]
    module, _, function = call.partition(":")
    with on_a_screen():
        figures = getattr(importlib.import_module(module), function)(**json.loads(settings))
    Path(result).write_text(json.dumps(figures), encoding="utf-8")


if __name__ == "__main__":
    main()
