"""Ctrl-C and SIGTERM: the first one ends the training after the step, the second at once."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from ..errors import Stopped

_EXIT_CODES = {signal.SIGINT: 130, signal.SIGTERM: 75}


class Interrupt:
    """Whether the user, or the machine, wants the training to end."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None

    def __bool__(self) -> bool:
        return self.signal is not None

    def error(self, kept: str) -> Stopped:
        """Return the error that tells what stopped the run and what was `kept`."""
        assert self.signal is not None
        cause = "Ctrl-C" if self.signal == signal.SIGINT else self.signal.name
        return Stopped(f"stopped by {cause}; {kept}", exit_code=_EXIT_CODES[self.signal])


@contextmanager
def interrupts() -> Iterator[Interrupt]:
    """Catch both signals inside the block; elsewhere than in the main thread, catch none."""
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return

    def caught(number: int, _frame: FrameType | None) -> None:
        interrupt.signal = signal.Signals(number)
        for one, handler in before.items():  # the next one is not ours
            signal.signal(one, handler or signal.SIG_DFL)

    before = {one: signal.signal(one, caught) for one in _EXIT_CODES}
    try:
        yield interrupt
    finally:
        for one, handler in before.items():
            signal.signal(one, handler or signal.SIG_DFL)
