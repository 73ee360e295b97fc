"""Worker processes that read data: how many, how they start, and which signals they hear.

A machine that is taken away sends SIGTERM to every process of a job, as a terminal does with
Ctrl-C. What becomes of the job is the training's business: its workers ignore both.
"""

import multiprocessing
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from multiprocessing.context import BaseContext
from typing import Any

from .._cores import own_cores
from .._ranks import is_rank

_MOST = 8
"""Worker processes of one split that are started unasked."""
_STOPS = (signal.SIGINT, signal.SIGTERM)


def has_batch(split: Any) -> bool:
    """Tell whether the dataset gives whole batches: `batch(indices) -> (samples, labels)`."""
    return callable(getattr(split, "batch", None))


def default_workers(split: Any, *, transform: bool = False) -> int:
    """Choose the number of worker processes.

    As many as this process has cores, which the ranks of a machine share, up to 8. None for sets
    that give whole batches, unless each sample goes through a `transform`; nor where processes
    don't start by forking (Windows, macOS, Python 3.14): there a script without an
    `if __name__ == "__main__"` would run itself again.
    """
    if not forks() or (has_batch(split) and not transform):
        return 0
    return min(own_cores(), _MOST)


def forks() -> bool:
    """Tell whether processes start by forking, as is usual on Linux, and as a program may choose.

    A rank that was spawned has its launcher's choice, which says nothing of its own processes.
    """
    # Asking for the default with allow_none=False would fix it for the whole program.
    chosen: str | None = multiprocessing.get_start_method(allow_none=True)
    if is_rank() and multiprocessing.parent_process() is not None:
        chosen = None
    return (chosen or multiprocessing.get_all_start_methods()[0]) == "fork"


if sys.platform == "win32":

    def forking() -> BaseContext | None:
        """Return None: there is no forking here."""
        return None

else:
    from multiprocessing.context import ForkContext, ForkProcess
    from multiprocessing.popen_fork import Popen

    class _Started(Popen):
        def terminate(self) -> None:
            """End the process, which ignores SIGTERM: else the program would wait for it."""
            self.kill()

    class _Process(ForkProcess):
        @staticmethod
        def _Popen(process_obj: Any) -> Any:  # noqa: N802 - multiprocessing's own name
            return _Started(process_obj)

    class _Forking(ForkContext):
        Process = _Process

    def forking() -> BaseContext | None:
        """Return how DataLoader is to start workers; None: by the program's own choice."""
        return _Forking() if forks() else None


def ignored_stops() -> tuple[signal.Signals, ...]:
    """Return the signals that workers ignore: SIGTERM only where something else ends them."""
    return _STOPS if forks() else (signal.SIGINT,)


def ignore(signals: Iterable[signal.Signals], _worker: int) -> None:
    """Leave `signals` to the training; called by a worker, which `stops_held` kept from them."""
    for number in signals:
        signal.signal(number, signal.SIG_IGN)
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)


@contextmanager
def stops_held() -> Iterator[None]:
    """Block the signals for the processes started in the block, until they can ignore them.

    This process hears of them in the end: a handler runs when they are let in again.
    """
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
