"""Whether a dataset is on this machine, or can be had."""

import threading
import urllib.request
from pathlib import Path

from zoo_registry import DatasetSpec

from ..home import offline

PROBE_SECONDS = 4.0
"""All that finding out about the network may cost, name look-up included."""


def on_machine(spec: DatasetSpec, root: Path) -> bool:
    """Tell whether the dataset needs nothing fetched: its files are under `root`, or in it."""
    return all((root / file).exists() for file in spec.files)


def reachable(urls: tuple[str, ...], seconds: float = PROBE_SECONDS) -> bool:
    """Tell whether one of `urls` answers a HEAD request in time; the proxies of the system apply.

    Name look-ups have no time-out of their own, so each request has a thread that is left
    behind when time is up.
    """
    if offline() or not urls:
        return False
    answered = threading.Semaphore(0)
    good = threading.Event()

    def ask(url: str) -> None:
        try:
            request = urllib.request.Request(url, method="HEAD")  # noqa: S310 - a spec's own address
            with urllib.request.urlopen(request, timeout=seconds):  # noqa: S310 - likewise
                good.set()
        except (OSError, ValueError):
            pass
        finally:
            answered.release()

    for url in urls:
        threading.Thread(target=ask, args=(url,), daemon=True).start()
    timer = threading.Timer(seconds, answered.release, [len(urls)])
    timer.daemon = True
    timer.start()
    for _ in urls:
        answered.acquire()
        if good.is_set():
            break
    timer.cancel()
    return good.is_set()
