"""Weights as torch.save writes them: a pickle that is read without running what it asks for."""

import errno
import pickle
import re
import warnings
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.serialization import config

from .._files import reason
from .._weight_files import graph_refusal
from ..errors import CorruptWeights, IncompatibleWeights, UsageError, ZooError
from ._archive import check_archive, untrusted
from ._canonical import memory_of, why_not_plain
from ._contents import Contents, versions_in
from ._plain_types import plain_types
from ._report import some

# What torch's restricted unpickler says when a file asks for more than tensors.
_NEEDS_CODE = re.compile(r"GLOBAL|allowlisted|unrecognized function|must be imported|Can only")
_EXPANSION = 4
"""How many times its file's size tensors may claim, which views of one memory may rightly do."""
_SMALL = 1 << 20
"""Bytes that they may claim in any case."""


def write(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write `path`: one plain ordered dict of tensors, with a checksum for each."""
    with (
        path.open("wb") as file,  # given a path, torch would hide why the disk refused
        config.patch("save.compute_crc32", True),  # type: ignore[attr-defined] # added on import
    ):
        torch.save(tensors, file)


def read(path: Path) -> Contents:
    """Read a state_dict from `path` without running anything in it.

    Raises:
        UntrustedWeights: it can't be had without running its code.
        CorruptWeights: the file is cut short, altered, or not one of torch's.
        IncompatibleWeights: it holds something else than a state_dict.
        UsageError: it can't be read.
    """
    value = read_object(path)
    items = value if isinstance(value, Mapping) else {}
    if not isinstance(value, Mapping) or (items and not any(map(_is_named_tensor, items.items()))):
        held = f"a dict of {some(map(_shown, items))}" if items else f"a {type(value).__name__}"
        raise IncompatibleWeights(
            f"{path} holds {held}, not a state_dict, which is a dict of names and tensors. Save "
            f'that alone, torch.save(model.state_dict(), "{path.name}"), or have it taken out: '
            f"`zoo convert {path.name} -o OUT.safetensors`."
        )
    return contents_of(path, items)


def contents_of(path: Path, items: Mapping[Any, Any]) -> Contents:
    """Return the tensors of a state_dict that was read from `path`.

    Raises:
        CorruptWeights: they claim far more numbers than the file has.
    """
    seen: dict[object, Tensor] = {}
    tensors = {
        name: seen.setdefault(memory_of(item), item.detach())
        for name, item in items.items()
        if _is_named_tensor((name, item))
    }
    left = _EXPANSION * path.stat().st_size + _SMALL
    for name, tensor in tensors.items():
        if seen.pop(memory_of(tensor), None) is not None:
            left -= tensor.numel() * tensor.itemsize
        if left < 0:
            raise CorruptWeights(
                f"{path}: {name!r} claims {tuple(tensor.shape)} values, more than the file has. "
                "Get the original, or save a copy of the tensor where it was made: "
                "tensor.clone()."
            )
    skipped = tuple(str(name) for name in items if name not in tensors)
    return Contents(tensors, skipped, versions_in(getattr(items, "_metadata", None)))


def read_object(path: Path, *, with_plain_types: bool = False) -> Any:
    """Read whatever torch.save wrote, on the CPU, without running anything in it.

    Args:
        path: the file.
        with_plain_types: whether to read the harmless types, too, that checkpoints hold beside
            tensors: a script's `argparse.Namespace`, a number of numpy's, a path.

    Raises:
        UntrustedWeights, CorruptWeights, UsageError: as `read` does.
    """
    try:
        with (
            path.open("rb") as stream,
            warnings.catch_warnings(),
            plain_types() if with_plain_types else nullcontext(),
        ):
            warnings.simplefilter("ignore")  # about old formats; they are read all the same
            check_archive(stream, path)
            stream.seek(0)
            # All three said out loud: the environment and torch's global settings can change
            # what they are by default.
            return torch.load(stream, map_location="cpu", weights_only=True, mmap=False)
    except ZooError:
        raise
    except OSError as error:
        if error.errno in (None, errno.EINVAL):  # a damaged file sent the reader astray
            raise _refusal(path, error) from error
        raise UsageError(f"can't read {path}: {reason(error)}.") from error
    except Exception as error:  # torch names no set of errors; those of five types were seen
        raise _refusal(path, error) from error


def _refusal(path: Path, error: Exception) -> ZooError:
    text = str(error)
    if graph := graph_refusal(path):
        return UsageError(graph)
    foreign = isinstance(error, pickle.UnpicklingError | RuntimeError)
    if foreign and (_NEEDS_CODE.search(text) or _is_plain_pickle(path)):
        found = re.search(r"GLOBAL (\S+)", text)
        return untrusted(path, f"a pickled {found[1]}" if found else "pickled objects")
    return CorruptWeights(
        f"{path} is not a sound PyTorch file: cut short, altered, or of another kind. Copy or "
        "download it again."
    )


def _is_plain_pickle(path: Path) -> bool:
    """Say whether the file is a pickle of a protocol that torch.save does not use."""
    with path.open("rb") as file:
        start = file.read(2)
    return start[:1] == b"\x80" and start[1:] > b"\x03"


def _is_named_tensor(item: tuple[Any, Any]) -> bool:
    name, value = item
    return isinstance(name, str) and not why_not_plain(value)


def _shown(key: object) -> str:
    """Write out a key; of what is no text only its type, which can't be endless."""
    return repr(key[:80]) if isinstance(key, str) else f"a {type(key).__name__}"
