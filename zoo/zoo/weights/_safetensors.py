"""Weights as safetensors: tensors and a table of texts, no code, quick to open.

The format knows neither shared tensors nor the versions of modules; both are written into the
table. `safetensors.torch.load_model` needs neither and reads these files as they are.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save, save_file
from torch import Tensor

from .._weight_files import read_metadata
from ..errors import CorruptWeights, UsageError
from ._contents import Contents, versions_in

TIES = "zoo.ties"
"""Key in the table: JSON, the name of each tensor left out to the name of its twin."""
VERSIONS = "zoo.versions"
"""Key in the table: JSON, path of a module to its version, where that is not 1."""


def check(tensors: Mapping[str, Tensor]) -> None:
    """Accept tensors that the format can hold.

    Raises:
        UsageError: it has no such dtype; the text names the tensor.
    """
    firsts = {tensor.dtype: name for name, tensor in reversed(list(tensors.items()))}
    for dtype, name in firsts.items():
        try:
            save({"": torch.empty(0, dtype=dtype)})
        except KeyError as error:
            raise UsageError(
                f"safetensors can't hold {name!r}: it has no {dtype}. Save to a .pth file."
            ) from error


def write(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write `path`, each tensor once."""
    firsts: dict[int, str] = {}
    ties = {}
    for name, tensor in tensors.items():
        twin = firsts.setdefault(id(tensor), name)
        if twin != name:
            ties[name] = twin
    once = {name: tensor for name, tensor in tensors.items() if name not in ties}
    known = versions_in(getattr(tensors, "_metadata", None)) or {}
    versions = {path: version for path, version in known.items() if version != 1}
    notes = {TIES: ties, VERSIONS: versions}
    table = {key: text for key, text in metadata.items() if key not in notes}
    table |= {key: json.dumps(note) for key, note in notes.items() if note}
    try:
        # Of an empty table safetensors 0.8 makes a header that is no JSON if there are no tensors.
        save_file(once, path, metadata=table or None)
    except SafetensorError as error:
        if "os error" in str(error):
            raise
        raise UsageError(f"safetensors can't hold these weights: {error}.") from error


def read(path: Path) -> Contents:
    """Read `path`. The tensors are views of the file: copy them before they are handed out.

    Raises:
        CorruptWeights: the file is cut short, or no safetensors file.
    """
    metadata = read_metadata(path)
    try:
        tensors = load_file(path)
    except Exception as error:  # the library names no set of errors
        raise CorruptWeights(
            f"{path} is not a sound safetensors file: {error}. Copy or download it again."
        ) from error
    for name, tensor in tensors.items():
        if tensor.dtype is torch.bool:  # any byte but 0 is true, yet torch expects a 1
            tensors[name] = tensor.view(torch.uint8).ne(0)
    for name, twin in _note(metadata, TIES).items():
        if isinstance(twin, str) and twin in tensors:
            tensors.setdefault(name, tensors[twin])
    return Contents(tensors, versions=_versions(metadata))


def _versions(metadata: Mapping[str, str]) -> dict[str, int]:
    note = _note(metadata, VERSIONS)
    return {path: version for path, version in note.items() if isinstance(version, int)}


def _note(metadata: Mapping[str, str], key: str) -> dict[str, Any]:
    """Read a note of zoo's own; a stranger's file may have anything, or nothing, there."""
    try:
        note = json.loads(metadata.get(key, "{}"))
    except (ValueError, RecursionError):
        return {}
    return note if isinstance(note, dict) else {}
