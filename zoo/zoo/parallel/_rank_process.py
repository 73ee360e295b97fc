"""What happens in a rank's process around the work it was launched for."""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from .. import _ranks
from ..errors import Stopped
from ._failures import Failure
from ._stop import STOP_SIGNALS, stopped_by

_SECONDS_TO_STORE = 60.0
"""What a rank has for ending in order once the process that launched it is gone."""
_SECONDS_TO_END = 30.0
"""What a rank that failed has for giving back what it holds."""
_SECONDS_AFTER_OTHERS = 2.0
"""A rank that fails because another one died must not be the first that is seen to end."""


class _ToldToEnd(Stopped):
    """A signal came while the work was not prepared for one."""


def run_rank(
    function: Callable[..., Any], arguments: tuple[Any, ...], folder: Path
) -> tuple[Any, Failure | None]:
    """Call `function(*arguments)` in a rank that has just been started.

    SIGINT and SIGTERM have been blocked since the process began; here they are let in. The rank
    has a session of its own: Ctrl-C in a terminal goes to the launching process alone, which
    passes it on once.

    Returns:
        What the function returned, and None; or None, and how it was stopped: all ranks stop at
        the same step, and each may take its time for what it has to store.

    Raises:
        SystemExit: the function failed; why is in `folder` by now.
    """
    if hasattr(os, "setsid"):
        os.setsid()
    threading.Thread(target=_follow_parent, daemon=True).start()
    if _ranks.rank() != 0:
        warnings.simplefilter("ignore")  # rank 0 says the same
    try:
        _let_signals_in()
        return function(*arguments), None
    except _ToldToEnd as error:
        _fail(Failure.of(error, _ranks.rank(), asked_for=True), folder)
    except Stopped as error:
        return None, Failure.of(error, _ranks.rank())
    except BaseException as error:  # noqa: BLE001 - SystemExit too: a rank that ends has failed
        _fail(Failure.of(error, _ranks.rank()), folder)
    finally:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        if _parent_is_gone():
            os._exit(1)  # nobody is left to take the result


def _let_signals_in() -> None:
    for number in STOP_SIGNALS:
        signal.signal(number, _told_to_end)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


def _told_to_end(number: int, _frame: FrameType | None) -> NoReturn:
    raise stopped_by(number, "outside the training", _ToldToEnd)


def _fail(failure: Failure, folder: Path) -> NoReturn:
    """Leave word of the failure and end the process."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    with contextlib.suppress(Exception):  # a disk that is full: the exit code alone must do
        failure.store(folder)
    if not failure.purposeful:
        time.sleep(_SECONDS_AFTER_OTHERS)
    # What the process holds may wait for ranks that are gone, a GPU's messages above all.
    last_resort = threading.Timer(_SECONDS_TO_END, os._exit, (1,))
    last_resort.daemon = True
    last_resort.start()
    sys.exit(1)


def _follow_parent() -> None:
    """End this process some time after the one that launched it, however that one ended."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    if sys.platform != "linux":  # there torch has asked the kernel to send SIGINT
        os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_SECONDS_TO_STORE)
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))


def _parent_is_gone() -> bool:
    parent = multiprocessing.parent_process()
    return parent is not None and not parent.is_alive()
