"""How long a plugin is waited for: who keeps all waiting is named, and ended in the end."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_NAMED_AFTER = 5.0
"""Seconds after which a call that has not come back is named."""


class Hung(BaseException):
    """A plugin's code did not come back; no `except Exception` of its own may catch this."""


@contextmanager
def in_time(what: str) -> Iterator[None]:
    """Name `what` on stderr where the block takes long, and end it where it takes too long.

    It is ended in the main thread, where no other timer runs, and where the platform has timers;
    elsewhere it is named.

    Raises:
        Hung: it took longer than `ZOO_PLUGIN_TIMEOUT` seconds, whatever it made of being ended.
    """
    limit = _limit()
    first = min(_NAMED_AFTER, limit)
    can_end = (
        hasattr(signal, "setitimer")
        and threading.current_thread() is threading.main_thread()
        and not signal.getitimer(signal.ITIMER_REAL)[0]
    )
    with _ended(what, first, limit) if can_end else _named(what, first):
        yield


@contextmanager
def _ended(what: str, first: float, limit: float) -> Iterator[None]:
    hung = Hung(f"took longer than {limit:g} s (ZOO_PLUGIN_TIMEOUT)")
    rung: list[str] = []

    def ring(*_: Any) -> None:
        if first < limit and not rung:
            _name(what, first)
            signal.setitimer(signal.ITIMER_REAL, limit - first)
            rung.append("named")
        else:
            rung.append("ended")
            raise hung

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, first)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before or signal.SIG_DFL)  # None: a handler in C
    if "ended" in rung:  # it was caught
        raise hung


@contextmanager
def _named(what: str, first: float) -> Iterator[None]:
    timer = threading.Timer(first, _name, (what, first))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _name(what: str, seconds: float) -> None:
    print(
        f"zoo: waiting for {what}, for {seconds:g} s now (ZOO_PLUGINS selects plugins)",
        file=sys.__stderr__,
    )


def _limit() -> float:
    try:
        limit = float(os.environ.get("ZOO_PLUGIN_TIMEOUT", ""))
    except ValueError:
        return 60.0
    return limit if limit > 0 else 60.0
