"""Downloads by torchvision that end in time, and leave whole files or none."""

import contextlib
import http.client
import io
import socket
import sys
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from zoo_registry import DatasetUnavailable

from ..network import why_unreachable

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
        files: paths below a root, of files or whole folders. A folder that is there stays as it is.
        download: called with an empty folder; has torchvision download and check into it.

    Raises:
        DatasetUnavailable: `ZOO_OFFLINE` is set, no mirror answers, or the download fails.
    """
    if cause := why_unreachable(urls):
        raise _unavailable(name, root, cause)
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".download-", dir=root) as staging, _patience():
            download(Path(staging))
            for file in files:
                if (root / file).is_dir():
                    continue
                (root / file).parent.mkdir(parents=True, exist_ok=True)
                (Path(staging) / file).replace(root / file)
    except _FAILURES as error:
        lines = [line for line in str(error).splitlines() if line.strip()]
        raise _unavailable(name, root, lines[-1] if lines else type(error).__name__) from error


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
