"""What is seen of a transfer while it lasts: a bar on a terminal, else only what is amiss."""

import sys
from typing import Any


class Progress:
    """Shows nothing; what there is to note goes to stderr."""

    def begin(self, text: str, total: int) -> None:
        """Say what is being done, and how many bytes it will be; 0 where that is not known."""

    def show(self, done: int) -> None:
        """Say how many bytes it has been."""

    def note(self, text: str) -> None:
        """Say what keeps it from going on."""
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    def close(self) -> None:
        """Take away what is only of now."""


class Quiet(Progress):
    """Shows nothing at all."""

    def note(self, text: str) -> None:
        """Say nothing."""


class Bar(Progress):
    """A live bar on stderr."""

    def __init__(self) -> None:
        # Imported here: rich takes a while, and only those who see it pay.
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        self._console = Console(stderr=True)
        self._bar: Any = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task: Any = None

    def begin(self, text: str, total: int) -> None:
        """Show the bar of another transfer."""
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = self._bar.add_task(text, total=total or None)
        self._bar.start()

    def show(self, done: int) -> None:
        """Move it on."""
        if self._task is not None:
            self._bar.update(self._task, completed=done)

    def note(self, text: str) -> None:
        """Print above the bar."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Take the bar away."""
        self._bar.stop()


def in_words(size: int) -> str:
    """Return a number of bytes as people write it."""
    return f"{size / 1e6:,.1f} MB" if size >= 100_000 else f"{size / 1e3:,.1f} kB"


def screen_progress() -> Progress:
    """Return a bar where a person watches a terminal."""
    return Bar() if sys.stderr.isatty() else Progress()
