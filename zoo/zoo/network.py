"""Whether there is a network, found out quickly."""

import http.client
import queue
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence

from .home import offline

ANSWER_SECONDS = 4.0
"""How long all addresses together may take to answer, name look-up included."""


def why_unreachable(urls: Sequence[str], seconds: float = ANSWER_SECONDS) -> str:
    """Send a HEAD request to all of `urls` at once, mirrors of one file.

    The system's proxies apply. With `ZOO_OFFLINE` set, nobody is asked.

    Returns:
        The empty string as soon as one answers, else in a few words why none did.
    """
    if offline():
        return "ZOO_OFFLINE is set"
    answers: queue.SimpleQueue[str] = queue.SimpleQueue()
    for url in urls:
        # Name look-ups have no time-out of their own: a thread that hangs is left behind.
        threading.Thread(target=_ask, args=(url, seconds, answers), daemon=True).start()
    deadline = time.monotonic() + seconds
    cause = "there is nowhere to download it from"
    for _ in urls:
        try:
            cause = answers.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            return f"no answer within {seconds:g} s"
        if not cause:
            break
    return cause


def _ask(url: str, seconds: float, answers: "queue.SimpleQueue[str]") -> None:
    try:
        request = urllib.request.Request(url, method="HEAD")  # noqa: S310 - a spec's own address
        with urllib.request.urlopen(request, timeout=seconds):  # noqa: S310 - likewise
            answers.put("")
    except (OSError, ValueError, http.client.HTTPException) as error:
        answers.put(_in_words(error))


def _in_words(error: Exception) -> str:
    """Return what went wrong, without the wrapping that urllib puts around it."""
    reason = getattr(error, "reason", error)
    if isinstance(error, urllib.error.HTTPError) or not isinstance(reason, Exception):
        reason = error
    return getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
