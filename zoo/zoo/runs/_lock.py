"""One lock for what changes the registry: of several who would, one at a time does."""

from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import StorageError
from ..home import home, home_error, make_folder

PATIENCE = 30.0
"""Seconds to wait for others; each of them needs milliseconds."""


@contextmanager
def registry_lock(patience: float | None = None) -> Iterator[None]:
    """Hold `ZOO_HOME/lock` while an alias, or whose run something is, is looked at and changed.

    The system lets go of it when its holder dies. Training itself holds no lock.

    Args:
        patience: seconds to wait for others; None: `PATIENCE`.

    Raises:
        StorageError: it can't be had: others hold it too long, or nothing can be written there.
    """
    from filelock import FileLock, Timeout  # brings asyncio along: only who changes things pays

    patience = PATIENCE if patience is None else patience
    file = make_folder(home()) / "lock"
    lock = FileLock(file)
    try:
        lock.acquire(timeout=patience)
    except Timeout as error:
        raise StorageError(
            f"another zoo process has held {file} for {patience:g} seconds. Try again when it is "
            "done; what it does there takes milliseconds, so it may hang."
        ) from error
    except OSError as error:
        raise home_error(file, error) from error
    try:
        yield
    finally:
        lock.release()
