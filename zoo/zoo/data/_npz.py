"""Arrays from `.npz` files; nothing in them is ever unpickled."""

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from zoo_registry import InvalidData

# N = samples in all, C = channels, H/W = rows/columns

Arrays = dict[str, np.ndarray[Any, Any]]

# What zipfile and numpy raise for damaged, encrypted or unknown contents.
_DAMAGE = (
    OSError,
    ValueError,
    EOFError,
    KeyError,
    RuntimeError,
    NotImplementedError,
    zipfile.BadZipFile,
    zlib.error,
)


def array_names(path: Path) -> list[str]:
    """Name the arrays of an `.npz` file, without reading them.

    Raises:
        InvalidData: no such file, or a damaged one.
    """
    with _opened(path) as file:
        return list(file.files)


def read_arrays(path: Path, names: Sequence[str] | None = None) -> Arrays:
    """Read arrays of an `.npz` file.

    Args:
        path: of the file.
        names: the arrays to read; None: all.

    Raises:
        InvalidData: no such file, no such array, a damaged one, or one of objects, which only
            running pickled code could read.
    """
    with _opened(path) as file:
        wanted = file.files if names is None else names
        return {name: _read(file, name, path) for name in wanted}


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    if path.is_dir():
        raise InvalidData(f"{path} is a folder, not an .npz file")
    if not path.is_file():
        raise InvalidData(f"there is no file {path}")
    try:
        with path.open("rb") as stream:  # numpy would leave it open where the file is damaged
            file = np.load(stream, allow_pickle=False)
            _require_names(file, path)
            with file:
                yield file
    except InvalidData:
        raise
    except _DAMAGE as error:
        # numpy's advice for what it does not know is to unpickle it.
        cause = "" if "pickle" in str(error) else f" ({error})"
        raise InvalidData(f"{path} is no .npz file, or a damaged one{cause}") from error


def _require_names(file: Any, path: Path) -> None:
    if not isinstance(file, np.lib.npyio.NpzFile):
        raise InvalidData(f"{path} is a single array, not an .npz of named ones")


def _read(file: Any, name: str, path: Path) -> np.ndarray[Any, Any]:
    if name not in file.files:
        raise InvalidData(f"{path} has no array {name}; it has {', '.join(file.files) or 'none'}")
    try:
        array = file[name]
    except ValueError as error:
        if "pickle" not in str(error):
            raise
        raise InvalidData(
            f"{path}: the array {name!r} holds Python objects, which only pickle could read; save "
            "numbers instead: numpy.savez(path, x=x.astype('float32'), y=y)"
        ) from error
    if not isinstance(array, np.ndarray):  # a member that is no .npy comes back as its bytes
        raise InvalidData(f"{path}: {name!r} is no array")
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
