"""Storing weights."""

import os
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from .._files import SavedFile, write_atomically
from .._weight_files import SAFETENSORS, check_suffix
from ..errors import UsageError
from . import _safetensors, _torch
from ._canonical import canonical_state_dict, plain_tensors, set_versions


def save_weights(
    model: nn.Module | Mapping[str, Any],
    path: str | os.PathLike[str],
    *,
    metadata: Mapping[str, str] | None = None,
) -> SavedFile:
    """Store a model's weights, whole or not at all.

    The names are those of the bare model, whatever wraps it (see `canonical_state_dict`).
    Tensors that the model shares are stored once; of a slice, only its own values are.

    Args:
        model: a module, or a state_dict, whose names are then kept as they are.
        path: ends in `.safetensors`, or in `.pth` or `.pt`: a plain `torch.save(state_dict)`.
            What was there before is replaced once the new file is on the disk.
        metadata: texts for a `.safetensors` file's header; `read_metadata` returns them, and
            zoo's own notes among them, whose names begin with `zoo.`.

    Raises:
        UsageError: another suffix, or values that the format can't hold; the text names them.
        StorageError: the disk refuses; what was at `path` before is untouched.
    """
    file = Path(path)
    return write_atomically(file, weights_writer(model, file, metadata=metadata))


def weights_writer(
    model: nn.Module | Mapping[str, Any], file: Path, *, metadata: Mapping[str, str] | None = None
) -> Callable[[Path], None]:
    """Return what fills the temporary of a writer of `zoo._files` with weights for `file`.

    Args:
        model: as `save_weights` takes it.
        file: whose suffix is the format.
        metadata: likewise.

    Raises:
        UsageError: as `save_weights` does, here already.
    """
    tensors = check_storable(model, file.suffix)
    if file.suffix != SAFETENSORS:
        if metadata:
            raise UsageError(f"{file} can't hold metadata; only {SAFETENSORS} files do.")
        return lambda part: _torch.write(part, tensors)
    table = dict(metadata or {})
    if wrong := [k for k, v in table.items() if not (isinstance(k, str) and isinstance(v, str))]:
        raise UsageError(f"the metadata {wrong[0]!r} must be a text; json.dumps makes it one.")
    return lambda part: _safetensors.write(part, tensors, table)


def write_tensors(file: Path, tensors: Mapping[str, Any]) -> None:
    """Fill a file that a writer of `zoo._files` gave: safetensors, whatever it is called.

    Args:
        file: an empty file.
        tensors: by name, as `save_weights` takes them.

    Raises:
        UsageError: a value that the format can't hold; the text names it.
    """
    _safetensors.write(file, check_storable(tensors), {})


def check_storable(
    model: nn.Module | Mapping[str, Any], suffix: str = SAFETENSORS
) -> OrderedDict[str, Tensor]:
    """Return what would be stored; said before a training rather than after it.

    Raises:
        UsageError: an unknown suffix, or a value that the format can't hold; the text names it.
    """
    check_suffix(Path(f"weights{suffix}"))
    if isinstance(model, nn.Module):
        tensors = canonical_state_dict(model)
    else:
        tensors = plain_tensors(model)
        if isinstance(versions := getattr(model, "_metadata", None), Mapping):
            set_versions(tensors, versions)
    if suffix == SAFETENSORS:
        _safetensors.check(tensors)
    return tensors
