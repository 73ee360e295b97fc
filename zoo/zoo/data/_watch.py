"""The death of a worker process, said where it can be dealt with."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any
from weakref import WeakSet

from zoo_registry import ZooError


class Watch:
    """Says that a worker has died where a batch is asked for, and nowhere else.

    DataLoader says it from a handler of SIGCHLD, wherever the program is by then: within a step
    or a file that is being written.
    """

    def __init__(self) -> None:
        self.death = ""
        self.is_asked = False

    def start(self) -> None:
        """Stand before DataLoader's handler, which is there once it has started workers."""
        _watches.add(self)
        if sys.platform == "win32" or not _in_main_thread():
            return
        handler = signal.getsignal(signal.SIGCHLD)
        if callable(handler) and not isinstance(handler, _Deferred):
            signal.signal(signal.SIGCHLD, _Deferred(handler))

    @property
    def is_on(self) -> bool:
        """Whether there are workers to watch."""
        return self in _watches

    def stop(self) -> None:
        """Forget the workers, which are ended now."""
        _watches.discard(self)
        self.death = ""

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Ask for a batch in the block.

        Raises:
            ZooError: a worker died, earlier or now.
        """
        # Raised at once: what a worker has half written would be waited for without an end.
        self.is_asked = _in_main_thread()
        try:
            self._require_alive()
            yield
        except RuntimeError as error:
            if not _is_death(error):
                raise
            raise ZooError(
                f"a data worker died ({str(error).splitlines()[0]}); with little memory use "
                "fewer: --workers 1, or none: --workers 0"
            ) from error
        finally:
            self.is_asked = False

    def _require_alive(self) -> None:
        if self.death:
            raise RuntimeError(self.death)


_watches: WeakSet[Watch] = WeakSet()


class _Deferred:
    """DataLoader's handler of SIGCHLD, whose error waits until somebody asks for a batch."""

    def __init__(self, handler: Callable[[int, FrameType | None], Any]) -> None:
        self._handler = handler

    def __call__(self, number: int, frame: FrameType | None) -> None:
        try:
            self._handler(number, frame)
        except RuntimeError as error:
            watches = list(_watches) if _is_death(error) else []
            for watch in watches:
                watch.death = str(error)
            if not watches or any(watch.is_asked for watch in watches):
                raise


def _is_death(error: RuntimeError) -> bool:
    return "DataLoader worker" in str(error)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
