"""Where zoo keeps things, and whether it may use the network."""

import os
from pathlib import Path

from ._files import reason, storage_error
from .errors import StorageError, UsageError


def home() -> Path:
    """Return the folder that holds runs, data and caches.

    `ZOO_HOME` if set, else the platform's folder for a user's data. It may not exist yet.

    Raises:
        UsageError: `ZOO_HOME` can be no path.
    """
    if chosen := os.environ.get("ZOO_HOME"):
        return user_path(chosen).absolute()
    from platformdirs import user_data_path

    return user_data_path("zoo", appauthor=False)


def runs_dir() -> Path:
    """Return the folder of the runs, `<home>/runs`. It may not exist yet."""
    return home() / "runs"


def data_dir() -> Path:
    """Return the folder handed to datasets as `root`, `<home>/data`. It may not exist yet."""
    return home() / "data"


def offline() -> bool:
    """Say whether the network is off limits: `ZOO_OFFLINE` is set, and not to 0."""
    return os.environ.get("ZOO_OFFLINE", "") not in {"", "0"}


def user_path(text: str | Path) -> Path:
    """Return the path that a user wrote, `~` and `~name` expanded. Nothing need be there.

    Raises:
        UsageError: nothing can be there: no such user, too long a name, a NUL in it, a folder
            on the way that can't be searched.
    """
    try:
        path = Path(text).expanduser()
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return path
    except OSError as error:
        raise UsageError(f"{_short(text)} is no path to use: {reason(error)}") from error
    except (RuntimeError, ValueError) as error:  # no such user, a NUL
        raise UsageError(f"{_short(text)} is no path: {error}") from error
    return path


def _short(text: str | Path) -> str:
    shown = str(text)
    return repr(shown if len(shown) <= 80 else f"{shown[:77]}...")


def make_folder(path: Path) -> Path:
    """Create a folder of zoo's, its parents included, unless it is there.

    Raises:
        StorageError: it can't be created; the text names it and `ZOO_HOME`.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise home_error(path, error) from error
    return path


def home_error(path: Path, error: OSError) -> StorageError:
    """Return the StorageError for a failed write at `path` within the home."""
    return storage_error(path, error, "Set ZOO_HOME to a folder you can write to")
