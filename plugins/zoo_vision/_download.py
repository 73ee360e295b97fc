"""Downloads by torchvision that end in time, and leave whole files or none."""

import contextlib
import http.client
import io
import os
import queue
import socket
import sys
import tarfile
import tempfile
import threading
import time
import urllib.request
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from zoo_registry import DatasetUnavailable

ANSWER_SECONDS = 4.0
"""How long all mirrors together may take to answer at all, name look-up included."""
SILENCE_SECONDS = 5.0
"""How long a mirror may send nothing before it is given up."""

_FAILURES = (
    OSError,
    RuntimeError,
    EOFError,
    http.client.HTTPException,
    tarfile.TarError,
    zlib.error,
)


def fetch(
    name: str,
    root: Path,
    *,
    urls: Sequence[str],
    files: Sequence[str],
    download: Callable[[Path], object],
) -> None:
    """Have `files` downloaded, and put them below `root` when all of them are there.

    Args:
        name: of the dataset, for messages.
        root: the folder of all datasets; created if it is not there.
        urls: one file's mirrors, asked first whether there is a network at all.
        files: paths below a root.
        download: called with an empty folder; has torchvision download and check into it.

    Raises:
        DatasetUnavailable: `ZOO_OFFLINE` is set, no mirror answers, or the download fails.
    """
    if os.environ.get("ZOO_OFFLINE", "") not in {"", "0"}:
        raise _unavailable(name, root, "ZOO_OFFLINE is set")
    if cause := why_unreachable(urls):
        raise _unavailable(name, root, cause)
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".download-", dir=root) as staging, _patience():
            download(Path(staging))
            for file in files:
                (root / file).parent.mkdir(parents=True, exist_ok=True)
                (Path(staging) / file).replace(root / file)
    except _FAILURES as error:
        lines = [line for line in str(error).splitlines() if line.strip()]
        raise _unavailable(name, root, lines[-1] if lines else type(error).__name__) from error


def why_unreachable(urls: Sequence[str], seconds: float = ANSWER_SECONDS) -> str:
    """Ask all of `urls` at once; return "" when one answers in time, else why none did."""
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
    request = urllib.request.Request(url, method="HEAD")  # noqa: S310 - a spec's own address
    try:
        with urllib.request.urlopen(request, timeout=seconds):  # noqa: S310 - likewise
            answers.put("")
    except (OSError, http.client.HTTPException) as error:
        answers.put(str(error) or type(error).__name__)


@contextlib.contextmanager
def _patience() -> Iterator[None]:
    """Bound each wait for the network; keep torchvision's progress off stdout.

    Its bars go to a terminal on stderr, where somebody sees them move, and nowhere else.
    """
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SILENCE_SECONDS)
    screen = sys.stderr if sys.stderr.isatty() else io.StringIO()
    try:
        with contextlib.redirect_stdout(screen), contextlib.redirect_stderr(screen):
            yield
    finally:
        socket.setdefaulttimeout(before)


def _unavailable(name: str, root: Path, cause: str) -> DatasetUnavailable:
    return DatasetUnavailable(
        f"{name} is not in {root} and can't be downloaded ({cause}). Say where it is with "
        "--data-dir, in torchvision's layout, or try again with a network"
    )
