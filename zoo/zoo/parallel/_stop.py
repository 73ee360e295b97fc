"""The signals that end ranks in order."""

import signal

from ..errors import Stopped

STOP_SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 75}
"""Each with the exit code of what it stopped."""


def stopped_by(number: int, how: str, kind: type[Stopped] = Stopped) -> Stopped:
    """Return the error that tells which signal stopped the ranks, and `how`."""
    caught = signal.Signals(number)
    cause = "Ctrl-C" if caught == signal.SIGINT else caught.name
    return kind(f"stopped by {cause} {how}", STOP_SIGNALS[caught])
