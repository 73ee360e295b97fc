"""Which runs are being written: by this process, or by others that live."""

from pathlib import Path
from typing import Any

from ._machine import is_dead, this_process

_written_here: set[Path] = set()


def begin_writing(folder: Path) -> None:
    """Note that this process writes the run in a folder."""
    _written_here.add(folder.resolve())


def end_writing(folder: Path) -> None:
    """Note that it does so no more, whether or not it could record how the run ended."""
    _written_here.discard(folder.resolve())


def is_over(folder: Path, process: dict[str, Any]) -> bool:
    """Say whether a run recorded as running is known to be so no more.

    Its process has died; or it is this one, which has given it up: the disk was full, and the
    record could not be changed.
    """
    if process == this_process():
        return folder.resolve() not in _written_here
    return is_dead(process)
