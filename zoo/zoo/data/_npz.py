"""Arrays from `.npz` files; nothing in them is ever unpickled."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from zoo_registry import InvalidData

# N = samples in all, C = channels, H/W = rows/columns

Arrays = dict[str, np.ndarray[Any, Any]]


def read_arrays(path: Path) -> Arrays:
    """Read every array of an `.npz` file.

    Raises:
        InvalidData: no such file, a damaged one, or one with object arrays, which only running
            pickled code could read.
    """
    if not path.is_file():
        raise InvalidData(f"there is no file {path}")
    try:
        with np.load(path, allow_pickle=False) as file:
            if not isinstance(file, np.lib.npyio.NpzFile):
                raise InvalidData(f"{path} is a single array, not an .npz of named ones")
            return {name: _read(file, name, path) for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        if isinstance(error, InvalidData):
            raise
        raise InvalidData(f"{path} is no .npz file, or a damaged one ({error})") from error


def _read(file: Any, name: str, path: Path) -> np.ndarray[Any, Any]:
    try:
        array: np.ndarray[Any, Any] = file[name]
    except ValueError as error:
        if "pickle" not in str(error):
            raise
        raise InvalidData(
            f"{path}: the array {name!r} holds Python objects, which only pickle could read; save "
            "numbers instead: numpy.savez(path, x=x.astype('float32'), y=y)"
        ) from error
    return array


def channels_first(samples: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """View images as (N, C, H, W): uint8 (N, H, W) is grey, (N, H, W, 1 or 3) has channels last.

    Other shapes come back as they are.
    """
    if samples.ndim == 3 and samples.dtype == np.uint8:
        return samples[:, None]
    if samples.ndim == 4 and samples.shape[3] in (1, 3) and samples.shape[1] not in (1, 3):
        return samples.transpose(0, 3, 1, 2)
    return samples
