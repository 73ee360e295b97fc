"""IDX, the file format of MNIST: a header of big-endian numbers, then the bytes."""

import gzip
import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from zoo_registry import InvalidData

_UINT8 = 0x08
"""The header's code for unsigned bytes, the one type these datasets use."""


def find_idx(path: Path) -> Path | None:
    """Return `path` or, where only that is there, its gzipped form; None where neither is."""
    packed = path.with_name(f"{path.name}.gz")
    return next((file for file in (path, packed) if file.is_file()), None)


def read_idx(path: Path, num_dims: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Read a file of unsigned bytes, gzipped where its name ends in `.gz`.

    Args:
        path: of the file.
        num_dims: that its array must have: 3 for images (N, H, W), 1 for labels (N,).

    Returns:
        A read-only uint8 array over the file's bytes.

    Raises:
        InvalidData: the file can't be read, or its size is not what its header says.
    """
    try:
        content = path.read_bytes()
        content = gzip.decompress(content) if path.suffix == ".gz" else content
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(path, str(error)) from error
    start = 4 + 4 * num_dims
    if len(content) < start:
        raise _damaged(path, f"{len(content)} bytes are too few for its header")
    if content[:4] != bytes((0, 0, _UINT8, num_dims)):
        raise _damaged(path, f"it starts with {content[:4].hex()}, not 000008{num_dims:02x}")
    shape = tuple(np.frombuffer(content, ">u4", num_dims, offset=4).tolist())
    if len(content) - start != math.prod(shape):
        raise _damaged(
            path,
            f"its header announces {math.prod(shape)} bytes, {len(content) - start} follow",
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _damaged(path: Path, cause: str) -> InvalidData:
    return InvalidData(f"{path} is damaged: {cause}. Delete it to have it downloaded again")
