"""Specs as plain JSON, and back again, the same to the type of each value."""

from types import MappingProxyType
from typing import Any

from . import _specs
from ._errors import ZooError
from ._specs import Spec

_CLASSES = {
    kind.kind: kind
    for kind in (
        _specs.ModelSpec,
        _specs.DatasetSpec,
        _specs.OptimizerSpec,
        _specs.LossSpec,
        _specs.SchedulerSpec,
        _specs.TrackerSpec,
    )
}
_TUPLE = "()"
"""Marks what was a tuple, which JSON has not."""
_PLAIN = (str, int, float, bool, type(None))
_EMPTY: Any = MappingProxyType({})
_UNSET = {"arguments": _EMPTY, "recipe": _EMPTY, "recipes": _EMPTY}
"""Fields whose default is no attribute of the class."""


class Unpackable(ZooError):
    """A spec holds what JSON can't give back as it was."""


def pack(spec: Spec) -> list[Any]:
    """Return a spec as its kind and those of its fields that were set.

    Raises:
        Unpackable: it is of a class of the plugin's own, or holds something else than plain data.
    """
    kind = _CLASSES.get(spec.kind)
    if type(spec) is not kind:
        raise Unpackable(f"{type(spec).__name__} is a class of its own")
    default = kind(name=spec.name, build=spec.build)
    fields = {
        name: _packed(value)
        for name, value in vars(spec).items()
        if value != getattr(default, name)
    }
    return [spec.kind, {"name": spec.name, "build": spec.build, **fields}]


def unpack(packed: list[Any]) -> Spec:
    """Return the spec, unchecked: it was checked before it was packed."""
    kind, fields = packed
    spec: Spec = object.__new__(_CLASSES[kind])
    unset = _UNSET if kind == "model" else {"arguments": _EMPTY}
    spec.__dict__.update(unset)
    for name, value in fields.items():
        spec.__dict__[name] = _unpacked(value)
    return spec


def _packed(value: Any) -> Any:
    if type(value) in _PLAIN:
        return value
    if type(value) is tuple:
        return {_TUPLE: [_packed(item) for item in value]}
    if type(value) is list:
        return [_packed(item) for item in value]
    if type(value) is dict and all(type(key) is str and key != _TUPLE for key in value):
        return {key: _packed(item) for key, item in value.items()}
    raise Unpackable(f"{value!r} is no plain data")


def _unpacked(value: Any) -> Any:
    if isinstance(value, dict):
        if _TUPLE in value:
            return tuple(map(_unpacked, value[_TUPLE]))
        return {key: _unpacked(item) for key, item in value.items()}
    return list(map(_unpacked, value)) if isinstance(value, list) else value
