"""Sets that are slow to decode, decoded once: a file of uint8 samples, mapped into memory."""

import contextlib
import hashlib
import math
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .._files import reason, write_atomically
from ..errors import StorageError
from ..home import home, make_folder
from ._arrays import ArrayDataset
from ._cache_fill import fill
from ._items import has_batch, length, read_item

if sys.platform != "win32":
    import fcntl

# N = samples in all, C = channels, H/W = rows/columns

_SPARE_BYTES = 2**30
"""Free space that a cache leaves to the run itself."""
_UNUSED_DAYS = 30
"""After which a cache is removed when another one is built."""
_DAY_SECONDS = 24 * 3600
_LONG = 10_000
"""Samples from which on decoding takes long enough to be announced."""


def cached(split: Any, *, note: Callable[[str], None]) -> Any:
    """Decode a set once, in parallel, into a file under `ZOO_HOME`, and read it from there.

    A set takes part by a method `cache_key() -> str`, which promises: the samples are uint8
    (C, H, W), all of one shape, the same whenever they are read; `labels` holds the classes; and
    the text is another one whenever any sample would be. The file is named after that text, so
    that it can't outlive what it was made of. One that nobody used for 30 days is removed.

    Args:
        split: a map-style dataset.
        note: told where a long decoding starts, and why a set is not cached.

    Returns:
        An `ArrayDataset` of samples (N, C, H, W), mapped, not read. The split itself where it
        has no `cache_key`, gives whole batches already, or can't be stored.

    Raises:
        BadSample: a sample can't be decoded.
        InvalidData: the samples are not what `cache_key` promises.
    """
    if not callable(getattr(split, "cache_key", None)) or has_batch(split) or not length(split):
        return split
    shape = (len(split), *read_item(split, 0)[0].shape)
    digest = hashlib.sha256(f"{split.cache_key()} {shape}".encode()).hexdigest()
    path = home() / "cache" / f"{digest[:24]}.u8"
    try:
        if not _is_whole(path, math.prod(shape)):
            _build(path, split, shape, note)
        with contextlib.suppress(OSError):  # another user's, or on a read-only disk
            os.utime(path)
        # Read-only: a mapping that may be written counts as memory, and must fit into that.
        samples = np.memmap(path, np.uint8, mode="r", shape=shape)
    except (StorageError, OSError) as error:
        text = f"{path}: {reason(error)}" if isinstance(error, OSError) else str(error)
        note(f"{shape[0]:,} samples stream from their files, decoded anew in each epoch: {text}")
        return split
    return ArrayDataset(samples, split.labels)


def _is_whole(path: Path, size: int) -> bool:
    """Tell whether a cache is there. It is never there in part: it gets its name when it is whole.

    The size is compared nevertheless, as a file cut short later on would end the process.
    """
    try:
        return path.stat().st_size == size
    except (FileNotFoundError, NotADirectoryError):
        return False


def _build(path: Path, split: Any, shape: tuple[int, ...], note: Callable[[str], None]) -> None:
    """Decode the samples into `path`.

    Raises:
        StorageError: the disk hasn't the space, or it can't be written.
        ZooError: from `fill`.
    """
    size = math.prod(shape)
    with _alone_in(make_folder(path.parent)) as alone:
        if _is_whole(path, size):  # another process's work, done while this one waited
            return
        _sweep(path.parent, alone=alone)
        _require_space(path.parent, size)
        if shape[0] >= _LONG:
            note(f"decoding {shape[0]:,} samples, once, into a cache of {_gigabytes(size)}")
        write_atomically(path, lambda part: fill(split, part, shape))


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[bool]:
    """Wait until no other process builds in `folder`; yield whether that is certain.

    Builds use all cores, so that two at once are not faster. The system ends the lock with the
    process, however that ends. Where there are no such locks, two builds of one cache both
    work, and the last one stays.
    """
    if sys.platform == "win32":
        yield False
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            alone = True
        except OSError:  # some network file systems lock no folders
            alone = False
        yield alone
    finally:
        os.close(descriptor)


def _sweep(folder: Path, *, alone: bool) -> None:
    """Remove what killed builds left, and caches that are no longer used."""
    now = time.time()
    for pattern, days in ((".*.u8.*.partial", 0 if alone else 1), ("*.u8", _UNUSED_DAYS)):
        for file in folder.glob(pattern):
            # Another process may be faster; and Windows keeps what is in use.
            with contextlib.suppress(OSError):
                if not days or now - file.stat().st_mtime > days * _DAY_SECONDS:
                    file.unlink()


def _require_space(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    needed = size + _SPARE_BYTES
    if free < needed:
        raise StorageError(
            f"a cache needs {_gigabytes(needed)}, {_gigabytes(free)} are free in {folder}; "
            "ZOO_HOME may name a larger disk"
        )


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:,.1f} GB"
