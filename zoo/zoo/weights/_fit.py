"""Comparing a file's tensors with a model's, before anything is copied."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from ._canonical import memory_of, why_not_plain
from ._contents import Contents
from ._report import LoadReport, Mismatch


@dataclass(frozen=True)
class Fit:
    """What of a file goes into a model."""

    tensors: Mapping[str, Tensor]
    """The values for the model's tensors, by canonical name, in the model's order."""
    report: LoadReport


def fit(path: Path, contents: Contents, model: Mapping[str, object]) -> Fit:
    """Compare. `model` holds the model's own tensors by canonical name.

    A tensor fits when its shape is the model's, and its dtype too, or one whose every value the
    model's dtype holds: float16 goes into float32; float64 into float32 does not, nor do
    integers into floats.
    """
    common = {name: contents.tensors[name] for name in model if name in contents.tensors}
    mismatched = [m for name in common if (m := _mismatch(name, common[name], model[name]))]
    wrong = {mismatch.name for mismatch in mismatched}
    fitting = {name: tensor for name, tensor in common.items() if name not in wrong}
    for twins in _ties(model):
        mismatched += _settle_ties(twins, fitting)
    wrong = {mismatch.name for mismatch in mismatched}
    tensors = {name: fitting[name] for name in model if name in fitting}
    parameters, loaded = _count(model, tensors)
    report = LoadReport(
        path=path,
        loaded=tuple(tensors),
        missing=tuple(name for name in model if name not in tensors and name not in wrong),
        unexpected=tuple(name for name in contents.tensors if name not in model),
        mismatched=tuple(mismatched),
        skipped=contents.skipped,
        parameters=parameters,
        loaded_parameters=loaded,
    )
    return Fit(tensors, report)


def _mismatch(name: str, file: Tensor, model: object) -> Mismatch | None:
    if not isinstance(model, Tensor):
        return Mismatch(name, tuple(file.shape), _dtype(file), (), "", why_not_plain(model))
    if is_lazy(model):  # it takes the shape of what is loaded
        return None
    if file.shape == model.shape and holds_all(model.dtype, file.dtype):
        return None
    return Mismatch(name, tuple(file.shape), _dtype(file), tuple(model.shape), _dtype(model))


def holds_all(dtype: torch.dtype, other: torch.dtype) -> bool:
    """Say whether `dtype` holds every value of `other` and means the same kind of number."""
    if dtype == other:
        return True
    if _kind(dtype) != _kind(other):
        return False
    try:
        return torch.promote_types(dtype, other) == dtype
    except RuntimeError:  # torch does not promote 8-bit floats, nor wide unsigned integers
        return False


def _kind(dtype: torch.dtype) -> tuple[bool, ...]:
    return (dtype.is_floating_point, dtype.is_complex, dtype is torch.bool)


def _ties(model: Mapping[str, object]) -> list[list[str]]:
    """Return the groups of names under which the model has one and the same tensor."""
    groups: dict[object, list[str]] = {}
    for name, tensor in model.items():
        if isinstance(tensor, Tensor) and not why_not_plain(tensor):
            groups.setdefault(memory_of(tensor), []).append(name)
    return [names for names in groups.values() if len(names) > 1]


def _settle_ties(names: list[str], fitting: dict[str, Tensor]) -> list[Mismatch]:
    """Give all names of one tensor the values stored under any of them, if those agree."""
    stored = [name for name in names if name in fitting]
    if not stored:
        return []
    first = fitting[stored[0]]
    strangers = [name for name in stored if not _same(first, fitting[name])]
    fitting.update({name: first for name in names if name not in strangers})
    return [_untied(name, stored[0], fitting.pop(name)) for name in strangers]


def _untied(name: str, twin: str, file: Tensor) -> Mismatch:
    facts = (tuple(file.shape), _dtype(file))
    why = f"one tensor with {twin} in the model, other values than {twin} in the file"
    return Mismatch(name, *facts, *facts, reason=why)


def _same(one: Tensor, other: Tensor) -> bool:
    if one is other:
        return True
    if one.dtype != other.dtype:
        return False
    # As bytes: a NaN is equal to itself, and every dtype has them.
    return torch.equal(_bytes(one), _bytes(other))


def _bytes(tensor: Tensor) -> Tensor:
    return tensor.contiguous().reshape(-1).view(torch.uint8)


def _count(model: Mapping[str, object], tensors: Mapping[str, Tensor]) -> tuple[int, int]:
    """Return how many elements the model's parameters have, and how many get a value."""
    total = loaded = 0
    seen = set()
    for name, own in model.items():
        if not isinstance(own, nn.Parameter):
            continue
        lazy = is_lazy(own)
        if (place := id(own) if lazy else memory_of(own)) in seen:
            continue
        seen.add(place)
        size = tensors[name].numel() if lazy and name in tensors else 0 if lazy else own.numel()
        total += size
        loaded += size if name in tensors else 0
    return total, loaded


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
