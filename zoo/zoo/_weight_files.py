"""Weight files seen from outside: what can be said of them without importing torch."""

import json
import os
from pathlib import Path
from typing import IO

from zoo_registry import nearest

from ._files import reason
from .errors import CorruptWeights, UsageError

SAFETENSORS = ".safetensors"
TORCH = (".pth", ".pt")

_LONGEST_HEADER = 100_000_000  # bytes; safetensors itself accepts no longer one


def read_metadata(path: str | os.PathLike[str]) -> dict[str, str]:
    """Return what a safetensors file says of itself. No tensor is read, torch not imported.

    Raises:
        UsageError: no such file, or not a `.safetensors` one.
        CorruptWeights: its header is damaged.
    """
    file = weight_file(path)
    if file.suffix != SAFETENSORS:
        raise UsageError(f"{file} has no metadata; only {SAFETENSORS} files do.")
    try:
        with file.open("rb") as stream:
            return _metadata(stream, file.stat().st_size)
    except (ValueError, RecursionError) as error:
        raise CorruptWeights(
            f"{file} is not a sound safetensors file: {error}. Copy or download it again."
        ) from error


def weight_file(path: str | os.PathLike[str]) -> Path:
    """Return `path` if it is a file of a known format that can be opened.

    Raises:
        UsageError: it is not; the text names the files that may have been meant.
    """
    file = Path(path)
    if os.path.isdir(file):  # noqa: PTH112 - Path.is_dir raises where a name is too long
        raise UsageError(f"{file} is a folder, not a file{_listed('; in it', _weights_in(file))}.")
    check_suffix(file)
    try:
        file.open("rb").close()
    except FileNotFoundError as error:
        close = nearest(file.name, (other.name for other in _weights_in(file.parent)))
        raise UsageError(f"there is no file {file}{_listed('; similar', close)}.") from error
    except OSError as error:
        raise UsageError(f"can't read {file}: {reason(error)}.") from error
    except ValueError as error:  # a name with a NUL in it
        raise UsageError(f"can't read {str(file)!r}: {error}.") from error
    return file


def check_suffix(path: Path) -> None:
    """Accept the names of weight files only.

    Raises:
        UsageError: the name does not end in a format's suffix.
    """
    if path.suffix not in (SAFETENSORS, *TORCH):
        known = ", ".join((SAFETENSORS, *TORCH))
        raise UsageError(f"{path}: the name of a weight file ends in one of {known}.")


def _metadata(stream: IO[bytes], size: int) -> dict[str, str]:
    """Read the header: its length, uint64 little-endian, then that many bytes of JSON."""
    length = int.from_bytes(stream.read(8), "little")
    if not 2 <= length <= min(size - 8, _LONGEST_HEADER):
        raise ValueError(f"a header of {length} bytes in a file of {size}")
    header = json.loads(stream.read(length).decode())
    metadata = header.get("__metadata__", {}) if isinstance(header, dict) else None
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise ValueError("its header is not a table with texts as metadata")
    return metadata


def _weights_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(file for file in folder.iterdir() if file.suffix in (SAFETENSORS, *TORCH))


def _listed(introduction: str, names: "list[Path] | tuple[str, ...]") -> str:
    return f"{introduction}: {', '.join(map(str, names[:3]))}" if names else ""
