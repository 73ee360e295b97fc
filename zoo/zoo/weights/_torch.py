"""Weights as torch.save writes them: a pickle that is read without running what it asks for."""

import pickle
import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import CorruptWeights, IncompatibleWeights, UntrustedWeights, ZooError
from ._canonical import memory_of, why_not_plain
from ._contents import Contents, versions_in
from ._report import some

# What torch's restricted unpickler says when a file asks for more than tensors.
_NEEDS_CODE = re.compile(r"GLOBAL|allowlisted|unrecognized function|must be imported")


def write(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write `path`: one plain ordered dict of tensors."""
    with path.open("wb") as file:  # given a path, torch.save would hide why the disk refused
        torch.save(tensors, file)


def read(path: Path) -> Contents:
    """Read `path` without running anything in it.

    Raises:
        UntrustedWeights: it can't be had without running its code.
        CorruptWeights: the file is cut short, altered, or not one of torch's.
        IncompatibleWeights: it holds something else than a state_dict.
    """
    try:
        _check_archive(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about old formats; they are read all the same
            # All three said out loud: the environment and torch's global settings can change
            # what they are by default.
            value = torch.load(path, map_location="cpu", weights_only=True, mmap=False)
    except ZooError:
        raise
    except Exception as error:  # torch names no set of errors; those of five types were seen
        raise _refusal(path, error) from error
    return _contents(path, value)


def _check_archive(path: Path) -> None:
    """Refuse archives that torch does not write but would expand, to any size."""
    with path.open("rb") as file:
        if file.read(4) != b"PK\3\4":  # the format of torch before 1.6
            return
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    if any(Path(member.filename).name == "constants.pkl" for member in members):
        raise _untrusted(path, "a TorchScript program")
    size = sum(member.file_size for member in members)
    if any(m.compress_type != zipfile.ZIP_STORED for m in members) or size > path.stat().st_size:
        raise CorruptWeights(
            f"{path} is compressed, which torch.save never does; it was repacked by something "
            "else. Get the original, or save the weights again where they were made."
        )


def _refusal(path: Path, error: Exception) -> ZooError:
    text = str(error)
    foreign = isinstance(error, pickle.UnpicklingError | RuntimeError)
    if foreign and (_NEEDS_CODE.search(text) or _is_plain_pickle(path)):
        found = re.search(r"GLOBAL (\S+)", text)
        return _untrusted(path, f"a pickled {found[1]}" if found else "pickled objects")
    return CorruptWeights(
        f"{path} is not a sound PyTorch file: cut short, altered, or of another kind. Copy or "
        "download it again."
    )


def _untrusted(path: Path, what: str) -> UntrustedWeights:
    return UntrustedWeights(
        f"{path} holds more than tensors, {what}: loading it would run code from the file, which "
        "zoo never does. Where it was made, keep only its tensors: "
        f'torch.save(model.state_dict(), "{path.name}").'
    )


def _is_plain_pickle(path: Path) -> bool:
    """Say whether the file is a pickle of a protocol that torch.save does not use."""
    with path.open("rb") as file:
        start = file.read(2)
    return start[:1] == b"\x80" and start[1:] > b"\x03"


def _contents(path: Path, value: Any) -> Contents:
    items = dict(value) if isinstance(value, Mapping) else None
    seen: dict[object, Tensor] = {}
    tensors = {
        name: seen.setdefault(memory_of(item), item.detach())
        for name, item in (items or {}).items()
        if isinstance(name, str) and not why_not_plain(item)
    }
    if items is None or (items and not tensors):
        held = f"a dict of {some(map(repr, items))}" if items else f"a {type(value).__name__}"
        raise IncompatibleWeights(
            f"{path} holds {held}, not a state_dict, which is a dict of names and tensors. "
            f'Save that alone: torch.save(model.state_dict(), "{path.name}").'
        )
    skipped = tuple(str(name) for name in items if name not in tensors)
    return Contents(tensors, skipped, versions_in(getattr(value, "_metadata", None)))
