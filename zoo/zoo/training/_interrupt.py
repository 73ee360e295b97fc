"""Ctrl-C and SIGTERM: the first one ends the training after the step, the second at once."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from .._ranks import is_rank
from ..errors import Stopped

_ECHO_SECONDS = 2.0
"""Ranks hear of one Ctrl-C twice, from the terminal and from what launched them."""
_EXIT_CODES = {signal.SIGINT: 130, signal.SIGTERM: 75}


class Interrupt:
    """Whether the user, or the machine, wants the training to end."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None

    def __bool__(self) -> bool:
        return self.signal is not None

    def error(self, kept: str) -> Stopped:
        """Return the error that tells what stopped the run and what was `kept`."""
        number = self.signal or signal.SIGTERM  # another rank was told, and all end together
        cause = "Ctrl-C" if number == signal.SIGINT else number.name
        return Stopped(f"stopped by {cause}; {kept}", exit_code=_EXIT_CODES[number])


@contextmanager
def stoppable() -> Iterator[None]:
    """Let SIGTERM end what is done inside the block at once, as Ctrl-C does: nothing is stored yet.

    Raises:
        Stopped: SIGTERM came.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise Stopped("stopped by SIGTERM before the first step; nothing has changed")

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


@contextmanager
def interrupts() -> Iterator[Interrupt]:
    """Catch both signals inside the block; elsewhere than in the main thread, catch none."""
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return

    heard: list[float] = []

    def caught(number: int, _frame: FrameType | None) -> None:
        heard.append(time.monotonic())
        interrupt.signal = signal.Signals(number)
        if is_rank() and heard[-1] - heard[0] < _ECHO_SECONDS:
            return
        for one, handler in before.items():  # the next one is not ours
            signal.signal(one, handler or signal.SIG_DFL)
        if is_rank():
            signal.raise_signal(number)

    before = {one: signal.signal(one, caught) for one in _EXIT_CODES}
    try:
        yield interrupt
    finally:
        for one, handler in before.items():
            signal.signal(one, handler or signal.SIG_DFL)
