"""A plugin's code, run so that whatever it does is its own affair and has its name on it.

An exception of any kind becomes a fault. What it prints goes to stderr, for stdout may be JSON for
a program. Where it is asked for its specs, what it prints, warns of and sets up in `logging`
becomes a notice, and logging is put back as it was. Where it hangs it is named, and ended after
`ZOO_PLUGIN_TIMEOUT` seconds (60).
"""

import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout, suppress
from typing import Any, TextIO

from ._errors import ZooError
from ._patience import Hung, in_time

_LONGEST = 200
"""Characters of a plugin's own text that are shown."""


def attempt(
    action: Callable[..., Any],
    *args: Any,
    notices: list[str] | None = None,
    waiting_for: str = "",
) -> tuple[Any, str | None]:
    """Call a plugin's code: return its result and None, or None and its fault in one line.

    Args:
        action: what is called.
        args: its arguments.
        notices: added to: one line for each thing it does besides returning; None: it may do so.
        waiting_for: named where it hangs, and then it is ended; empty: it may take its time.
    """
    try:
        with (
            redirect_stdout(sys.stderr) if notices is None else _observed(notices),
            in_time(waiting_for) if waiting_for else nullcontext(),
        ):
            return action(*args), None
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a plugin may raise anything, SystemExit too
        return None, one_line(error)


def one_line(error: BaseException) -> str:
    """Return an exception as one line, without its kind where it is one of zoo's own."""
    kind = type(error).__name__
    try:
        text = " ".join(str(error).split())[:_LONGEST]
    except Exception:  # noqa: BLE001 - an exception's own text is a plugin's code too
        return kind
    if isinstance(error, ZooError | Hung):
        return text
    return f"{kind}: {text}" if text else kind


@contextmanager
def _observed(notices: list[str]) -> Iterator[None]:
    """Note what the block prints, warns of, and sets up in `logging`."""
    out, err = sys.stdout, sys.stderr
    printed: list[str] = []
    sys.stdout, sys.stderr = _Overheard(err, printed), _Overheard(err, printed)
    warn, warned = warnings.showwarning, []

    def note(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        warned.append(f"{category.__name__}: {message}")

    warnings.showwarning = note
    before = _logging_set_up()
    try:
        with _diverted():
            yield
    finally:
        # What the plugin put in their place, such as a wrapper that colours, goes with it.
        sys.stdout, sys.stderr = out, err
        warnings.showwarning = warn
        text = " ".join("".join(printed).split())
        if text:
            notices.append(f"prints {text[:60]!r}")
        notices += dict.fromkeys(f"warns: {' '.join(line.split())[:_LONGEST]}" for line in warned)
        if _put_back(before):
            notices.append("sets up logging, which is the program's to do; put back")


@contextmanager
def _diverted() -> Iterator[None]:
    """Have what is written past `sys.stdout`, from C or by a program that is run, go to stderr."""
    try:
        _flush()
        kept = os.dup(1)
    except OSError:  # there is no stdout
        yield
        return
    try:
        with suppress(OSError):  # there is no stderr
            os.dup2(2, 1)
        yield
    finally:
        _flush()
        os.dup2(kept, 1)
        os.close(kept)


def _flush() -> None:
    with suppress(AttributeError, OSError, ValueError):  # there is none, it is full, it is closed
        sys.__stdout__.flush()  # type: ignore[union-attr]


class _Overheard:
    """A stream that passes on what is written, and remembers it."""

    def __init__(self, stream: TextIO, heard: list[str]) -> None:
        self._stream = stream
        self._heard = heard

    def write(self, text: str) -> int:
        self._heard.append(text)
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _logging_set_up() -> tuple[list[Any], int, int]:
    """Return the root logger's handlers, its level, and the level below which all is disabled."""
    logging = sys.modules.get("logging")
    if logging is None or not hasattr(logging, "root"):
        return [], 30, 0
    root = logging.root
    return list(root.handlers), root.level, root.manager.disable


def _put_back(before: tuple[list[Any], int, int]) -> bool:
    """Undo what was set up in `logging` since; say whether anything was."""
    if _logging_set_up() == before:
        return False
    logging = sys.modules["logging"]
    handlers, level, disabled = before
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    logging.disable(disabled)
    return True
