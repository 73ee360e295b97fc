"""The time that all of a push or a pull may take."""

import time

from zoo_registry import InvalidOption

TIMEOUT = 3600.0
"""Seconds that a push or a pull may take, where nobody says otherwise."""


class Deadline:
    """A point in time, `seconds` from its making.

    Raises:
        InvalidOption: not a time that one can wait.
    """

    def __init__(self, seconds: float) -> None:
        if not 0 < seconds < 1e7:
            raise InvalidOption(f"--timeout takes seconds, more than 0, not {seconds:g}")
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds that are left, 0 where none are."""
        return max(0.0, self._end - time.monotonic())

    def grant(self, seconds: float) -> None:
        """Leave at least so many seconds from now on: to find out what has come of it."""
        self._end = max(self._end, time.monotonic() + seconds)
