"""Names of runs, which are names of folders on any system."""

import re
import unicodedata
from pathlib import Path

from ..errors import UsageError

_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
"""Names that mean devices on Windows, with any suffix."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def is_name(text: str) -> bool:
    """Say whether a run can be called that."""
    if text.endswith(".") or _DEVICES.fullmatch(text):
        return False
    return _NAME.fullmatch(text) is not None


def check_name(text: str) -> str:
    """Return `text` if a run can be called that.

    Raises:
        UsageError: it can't; the text says what names are made of.
    """
    if is_name(text):
        return text
    raise UsageError(
        f"a run can't be called {text!r}: up to 100 letters, digits, '.', '_' and '-', beginning "
        f"with a letter or digit and not ending in '.', and no device of Windows' (con, nul, …). "
        f"{slug(text)!r} would do."
    )


def slug(text: str) -> str:
    """Make a name of any text: `vision/mnist-cnn` becomes `vision-mnist-cnn`."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("._-")[:80].rstrip("._-") or "run"
    return f"run-{name}" if _DEVICES.fullmatch(name) else name


def next_name(folder: Path, stem: str) -> str:
    """Return `<stem>-<n>`, one above the highest number in use in `folder`."""
    pattern = re.compile(rf"{re.escape(stem)}-([0-9]{{1,9}})", re.IGNORECASE)
    names = [entry.name for entry in folder.iterdir()]
    numbers = [int(found[1]) for name in names if (found := pattern.fullmatch(name))]
    return f"{stem}-{max(numbers, default=0) + 1}"
