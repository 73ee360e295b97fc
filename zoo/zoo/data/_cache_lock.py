"""One process at a time builds caches."""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

if sys.platform != "win32":
    import fcntl

_QUIET_SECONDS = 2.0
"""How long another process's decoding is waited for without a word."""


@contextlib.contextmanager
def alone_in(folder: Path, note: Callable[[str], None]) -> Iterator[bool]:
    """Wait until no other process builds in `folder`, and say so; yield whether that is certain.

    Builds use all cores, so that two at once are not faster. The system ends the lock with the
    process, however that ends. Where there are no such locks, two builds of one cache both
    work, and the last one stays.
    """
    if sys.platform == "win32":
        yield False
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            _lock(descriptor, lambda: note(f"another process decodes samples into {folder} …"))
            alone = True
        except OSError:  # some network file systems lock no folders
            alone = False
        yield alone
    finally:
        os.close(descriptor)


def _lock(descriptor: int, say: Callable[[], None]) -> None:
    """Wait for a lock; after a while `say` so.

    Raises:
        OSError: there are no locks here.
    """
    if sys.platform != "win32":
        end = time.monotonic() + _QUIET_SECONDS
        while time.monotonic() < end:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.05)
            else:
                return
        say()
        fcntl.flock(descriptor, fcntl.LOCK_EX)
