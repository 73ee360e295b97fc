"""Sets that are slow to decode, decoded once: a file of uint8 samples, mapped into memory."""

import contextlib
import hashlib
import math
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Subset

from .._files import reason, write_atomically
from ..errors import StorageError
from ..home import home, make_folder
from ._arrays import ArrayDataset
from ._cache_fill import fill
from ._cache_lock import alone_in
from ._items import collate, length, read_item
from ._workers import has_batch

# N = samples in all, C = channels, H/W = rows/columns

_SPARE_BYTES = 2**30
"""Free space that a cache leaves to the run itself."""
_UNUSED_DAYS = 30
"""After which a cache is removed when another one is built."""
_DAY_SECONDS = 24 * 3600
_LONG = 10_000
"""Samples from which on decoding takes long enough to be announced."""

Note = Callable[[str], None]


def cached(split: Any, *, note: Note) -> Any:
    """Decode a set once, in parallel, into a file under `ZOO_HOME`, and read it from there.

    A set takes part by a method `cache_key() -> str`, which promises: the samples are uint8
    (C, H, W), all of one shape, the same whenever they are read; `labels` holds the classes; and
    the text is another one whenever any sample would be. The file is named after that text, so
    that it can't outlive what it was made of. One that nobody used for 30 days is removed.

    Args:
        split: a map-style dataset.
        note: told where a long decoding starts or is waited for, and why a set is not cached.

    Returns:
        An `ArrayDataset` of samples (N, C, H, W), mapped, not read. The split itself where it
        has no `cache_key`, gives whole batches already, or can't be stored.

    Raises:
        BadSample: a sample can't be decoded.
        InvalidData: the samples are not what `cache_key` promises.
    """
    if not _takes_part(split):
        return split
    path, shape = _place(split)
    try:
        if not _is_whole(path, math.prod(shape)):
            _build(path, split, shape, note)
        return _mapped(path, split, shape)
    except (StorageError, OSError) as error:
        text = f"{path}: {reason(error)}" if isinstance(error, OSError) else str(error)
        note(f"{shape[0]:,} samples stream from their files, decoded anew in each epoch: {text}")
        return split


def if_cached(split: Any) -> Any:
    """Read a set from its cache, as `cached` does, where it has one already; nothing is stored.

    For whoever reads a set once, or a part of it.

    Raises:
        BadSample: the first sample can't be decoded.
    """
    if not _takes_part(split):
        return split
    path, shape = _place(split)
    try:
        return _mapped(path, split, shape) if _is_whole(path, math.prod(shape)) else split
    except OSError:
        return split


def in_memory(split: Any, indices: torch.Tensor) -> Any:
    """Read the samples at int64 `indices` (B,) once, where they are the same whenever read.

    Returns:
        An `ArrayDataset` of those, of a set in memory or one that `cached` takes; else a `Subset`.

    Raises:
        BadSample: a sample can't be decoded.
        InvalidData: samples differ in shape.
    """
    if type(split) is ArrayDataset:
        return ArrayDataset(*split.batch(indices))
    if not _takes_part(split):
        return Subset(split, indices.tolist())
    return ArrayDataset(*collate([read_item(split, index) for index in indices.tolist()]))


def _takes_part(split: Any) -> bool:
    offers_key = callable(getattr(split, "cache_key", None))
    return offers_key and not has_batch(split) and length(split) > 0


def _place(split: Any) -> tuple[Path, tuple[int, ...]]:
    """Return where the cache of a set is, or would be, and the shape (N, C, H, W) of it."""
    shape = (len(split), *read_item(split, 0)[0].shape)
    kind = type(split)  # what the text of `cache_key` means is a class's own affair
    whole = f"{kind.__module__}.{kind.__qualname__} {split.cache_key()} {shape}"
    digest = hashlib.sha256(whole.encode()).hexdigest()
    return home() / "cache" / f"{digest[:24]}.u8", shape


def _mapped(path: Path, split: Any, shape: tuple[int, ...]) -> ArrayDataset:
    with contextlib.suppress(OSError):  # another user's, or on a read-only disk
        os.utime(path)
    # Read-only: a mapping that may be written counts as memory, and must fit into that.
    return ArrayDataset(np.memmap(path, np.uint8, mode="r", shape=shape), split.labels)


def _is_whole(path: Path, size: int) -> bool:
    """Tell whether a cache is there. It is never there in part: it gets its name when it is whole.

    The size is compared nevertheless, as a file cut short later on would end the process.
    """
    try:
        return path.stat().st_size == size
    except (FileNotFoundError, NotADirectoryError):
        return False


def _build(path: Path, split: Any, shape: tuple[int, ...], note: Note) -> None:
    """Decode the samples into `path`.

    Raises:
        StorageError: the disk hasn't the space, or it can't be written.
        ZooError: from `fill`.
    """
    size = math.prod(shape)
    with alone_in(make_folder(path.parent), note) as alone:
        if _is_whole(path, size):  # another process's work, done while this one waited
            return
        _sweep(path.parent, alone=alone)
        _require_space(path.parent, size)
        if shape[0] >= _LONG:
            note(f"decoding {shape[0]:,} samples, once, into a cache of {_gigabytes(size)}")
        write_atomically(path, lambda part: fill(split, part, shape))


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
