"""Weights as safetensors: tensors and a table of texts, no code, quick to open.

The format knows neither shared tensors, nor the order of names, nor the versions of modules, nor a
digest; all are written into the table. `safetensors.torch.load_model` needs none of them and
reads these files as they are.
"""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save, save_file
from torch import Tensor

from .._files import reason
from .._weight_digest import MARKS, stamp, verify
from .._weight_files import corrupt
from .._weight_header import Header, read_header
from ..errors import UsageError
from ._contents import Contents, versions_in

TIES = "zoo.ties"
"""Key in the table: JSON, the name of each tensor left out to the name of its twin."""
ORDER = "zoo.order"
"""Key in the table: JSON, the state_dict's order as places in the sorted list of all names."""
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
    """Write `path`, each tensor once, and a digest of it all."""
    firsts: dict[int, str] = {}
    ties = {}
    for name, tensor in tensors.items():
        twin = firsts.setdefault(id(tensor), name)
        if twin != name:
            ties[name] = twin
    once = {name: tensor for name, tensor in tensors.items() if name not in ties}
    known = versions_in(getattr(tensors, "_metadata", None)) or {}
    versions = {path: version for path, version in known.items() if version != 1}
    notes = {TIES: ties, ORDER: _order(list(tensors), once, ties), VERSIONS: versions}
    table = {key: text for key, text in metadata.items() if key not in notes}
    table |= {key: json.dumps(note, separators=(",", ":")) for key, note in notes.items() if note}
    try:
        save_file(once, path, metadata=table | MARKS)
    except SafetensorError as error:
        if "os error" in str(error):
            raise
        raise UsageError(f"safetensors can't hold these weights: {error}.") from error
    stamp(path)


def read(path: Path, *, verified: bool = False) -> Contents:
    """Read `path`. The tensors are views of the file: copy them before they are handed out.

    Args:
        path: the file.
        verified: whether the file was just found to have the bytes that were written.

    Raises:
        CorruptWeights: the file is cut short, altered, or no safetensors file.
        UsageError: it can't be read.
    """
    try:
        while True:
            with path.open("rb", buffering=0) as stream:
                header = read_header(stream, os.fstat(stream.fileno()).st_size)
                if not verified:
                    verify(stream, header)
                tensors = load_file(path)
                # What was verified is what was loaded, unless a writer has put another file in
                # its place meanwhile; its number is not given to another while it is open.
                if os.path.samestat(os.fstat(stream.fileno()), path.stat()):
                    return _contents(header, tensors)
    except OSError as error:
        raise UsageError(f"can't read {path}: {reason(error)}.") from error
    except Exception as error:  # the library names no set of errors
        raise corrupt(path, error) from error


def _contents(header: Header, tensors: dict[str, Tensor]) -> Contents:
    for name, tensor in tensors.items():
        if tensor.dtype is torch.bool:  # any byte but 0 is true, yet torch expects a 1
            tensors[name] = tensor.view(torch.uint8).ne(0)
    ordered = {name: tensors[name] for name in header.tensors}
    for name, twin in _note(header, TIES, dict).items():
        if isinstance(twin, str) and twin in tensors:
            ordered.setdefault(name, tensors[twin])
    names = _ordered(list(ordered), _note(header, ORDER, list))
    versions = {
        path: version
        for path, version in _note(header, VERSIONS, dict).items()
        if isinstance(version, int)
    }
    return Contents({name: ordered[name] for name in names}, versions=versions)


def _order(names: list[str], once: Mapping[str, Tensor], ties: Iterable[str]) -> list[int]:
    """Return the place of each name among all, sorted; nothing where the file has that order."""
    if not names:
        return []
    empty = save({name: torch.empty(0, dtype=tensor.dtype) for name, tensor in once.items()})
    length = int.from_bytes(empty[:8], "little")
    if names == [*json.loads(empty[8 : 8 + length]), *ties]:
        return []
    places = {name: place for place, name in enumerate(sorted(names))}
    return [places[name] for name in names]


def _ordered(names: list[str], order: list[Any]) -> list[str]:
    """Put names into the order that was noted; as they are where the note is not of them."""
    if sorted(map(repr, order)) != sorted(map(repr, range(len(names)))):
        return names
    places = sorted(names)
    return [places[place] for place in order]


def _note(header: Header, key: str, kind: type) -> Any:
    """Read a note of zoo's own; a stranger's file may have anything, or nothing, there."""
    try:
        note = json.loads(header.metadata[key])
    except (KeyError, ValueError, RecursionError):
        return kind()
    return note if isinstance(note, kind) else kind()
