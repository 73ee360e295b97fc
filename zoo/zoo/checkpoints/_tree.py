"""State as a tree of plain values: taken apart into tensors and JSON, and put together again."""

import json
import math
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from zoo_registry import UsageError

from ..weights import check_storable

_KIND = "$"
"""Marks what JSON has no type for; the value is beside it."""
_VALUE = "value"
_TENSOR = "tensor"
_PLAIN = bool | int | str | None
_WORDS = ("True", "False")
"""As keys of a dict that are no texts are written."""


def split_tree(tree: Any) -> tuple[Any, dict[str, Tensor]]:
    """Return `tree` as JSON can hold it, and its tensors by their places in it.

    A tree is made of tensors, numpy arrays, numbers, texts, None, and of lists, tuples, dicts and
    Counters of such. What is put together again is equal, types and NaNs included.

    Raises:
        UsageError: something else; the text names its place and its type.
    """
    tensors: dict[str, Tensor] = {}
    return _split(tree, "", tensors), tensors


def check_tree(tree: Any) -> None:
    """Accept a tree that a checkpoint can hold.

    Raises:
        UsageError: it holds something else; the text names its place and its type.
    """
    _, tensors = split_tree(tree)
    # Of each dtype once and without values, which may be large, or spread over ranks.
    check_storable({name: torch.empty(0, dtype=value.dtype) for name, value in tensors.items()})


def join_tree(skeleton: Any, tensors: Mapping[str, Tensor]) -> Any:
    """Return the tree that `split_tree` took apart.

    Raises:
        ValueError: it has another form than what `split_tree` makes, or lacks a tensor.
    """
    if isinstance(skeleton, list):
        return [join_tree(item, tensors) for item in skeleton]
    if not isinstance(skeleton, dict):
        return skeleton
    if _KIND not in skeleton:
        return {key: join_tree(item, tensors) for key, item in skeleton.items()}
    kind, value = skeleton[_KIND], skeleton.get(_VALUE)
    if kind not in _JOIN:
        raise ValueError(f"there is no kind of value {kind!r}")
    try:
        return _JOIN[kind](value, tensors)
    except (KeyError, TypeError) as error:
        raise ValueError(f"{kind} {str(value)[:80]!r} can't be put together") from error


def map_tensors(tree: Any, change: Callable[[str, Tensor], Tensor], place: str = "") -> Any:
    """Return `tree` with `change(place, tensor)` instead of each tensor, in the tree's order."""
    if isinstance(tree, Tensor):
        return change(place, tree)
    if isinstance(tree, Mapping):
        changed = {key: map_tensors(v, change, _below(place, key)) for key, v in tree.items()}
        return Counter(changed) if isinstance(tree, Counter) else changed
    if isinstance(tree, list | tuple):
        items = [map_tensors(v, change, _below(place, i)) for i, v in enumerate(tree)]
        return items if isinstance(tree, list) else tuple(items)
    return tree


def _split(value: Any, place: str, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, Tensor):
        tensors[place] = value
        return {_KIND: _TENSOR, _VALUE: place}
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else {_KIND: "float", _VALUE: repr(value)}
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        tensors[place] = torch.from_numpy(value.copy())
        return {_KIND: "array", _VALUE: place}
    if isinstance(value, list | tuple):
        items = [_split(item, _below(place, index), tensors) for index, item in enumerate(value)]
        return items if isinstance(value, list) else {_KIND: "tuple", _VALUE: items}
    if isinstance(value, Mapping):
        return _split_mapping(value, place, tensors)
    raise UsageError(f"{place or 'the state'} is a {type(value).__name__}, which can't be stored")


def _split_mapping(value: Mapping[Any, Any], place: str, tensors: dict[str, Tensor]) -> Any:
    items = [(key, _split(item, _below(place, key), tensors)) for key, item in value.items()]
    if type(value) in (dict, OrderedDict) and all(
        isinstance(key, str) and key != _KIND for key, _ in items
    ):
        return dict(items)
    pairs = [[_split(key, f"a key of {place}", tensors), item] for key, item in items]
    return {_KIND: "counter" if isinstance(value, Counter) else "dict", _VALUE: pairs}


def _pairs(value: Any, tensors: Mapping[str, Tensor]) -> Iterator[tuple[Any, Any]]:
    for key, item in value:
        yield join_tree(key, tensors), join_tree(item, tensors)


_JOIN: dict[str, Callable[[Any, Mapping[str, Tensor]], Any]] = {
    _TENSOR: lambda value, tensors: tensors[value],
    "array": lambda value, tensors: tensors[value].numpy().copy(),
    "float": lambda value, _tensors: float(value),
    "tuple": lambda value, tensors: tuple(join_tree(item, tensors) for item in value),
    "dict": lambda value, tensors: dict(_pairs(value, tensors)),
    "counter": lambda value, tensors: Counter(dict(_pairs(value, tensors))),
}


def _below(place: str, key: Any) -> str:
    """Return the place of what a container has at `key`, which nothing else in the tree has."""
    if isinstance(key, str):
        # A name with dots must not look like a path, nor "0" like the number.
        name = key if key.isidentifier() and key not in _WORDS else json.dumps(key)
    else:
        name = str(key) if isinstance(key, int) else f"({json.dumps(repr(key))})"
    return f"{place}.{name}" if place else name
