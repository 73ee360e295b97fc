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
_UNSET = {kind: {"arguments": _EMPTY} for kind in _CLASSES}
_UNSET["model"] |= {"recipe": _EMPTY, "recipes": _EMPTY}
"""Fields whose default is no attribute of the class."""


class Unpackable(ZooError):
    """A spec holds what JSON can't give back as it was."""


def pack(spec: Spec) -> list[Any]:
    """Return a spec as its kind and those of its fields that were set.

    They are in three: what JSON gives back as it was, tuples of such, and what holds tuples deeper.

    Raises:
        Unpackable: it is of a class of the plugin's own, or holds something else than plain data.
    """
    kind = _CLASSES.get(spec.kind)
    if type(spec) is not kind:
        raise Unpackable(f"{type(spec).__name__} is a class of its own")
    default = kind(name=spec.name, build=spec.build)
    fields = {n: value for n, value in vars(spec).items() if value != getattr(default, n)}
    plain: dict[str, Any] = {"name": spec.name, "build": spec.build}
    tuples, deeper = {}, {}
    for name, value in fields.items():
        packed = _packed(value)
        if type(value) is tuple and not any(map(_has_tuple, packed[_TUPLE])):
            tuples[name] = packed[_TUPLE]
        elif _has_tuple(packed):
            deeper[name] = packed
        else:
            plain[name] = packed
    return [spec.kind, plain, tuples, deeper]


def unpack(packed: list[Any]) -> Spec:
    """Return the spec, unchecked: it was checked before it was packed."""
    kind, plain, tuples, deeper = packed
    spec: Spec = object.__new__(_CLASSES[kind])
    fields = spec.__dict__
    fields.update(_UNSET[kind])
    fields.update(plain)
    for name, value in tuples.items():
        fields[name] = tuple(value)
    for name, value in deeper.items():
        fields[name] = _unpacked(value)
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


def _has_tuple(packed: Any) -> bool:
    if isinstance(packed, dict):
        return _TUPLE in packed or any(map(_has_tuple, packed.values()))
    return isinstance(packed, list) and any(map(_has_tuple, packed))


def _unpacked(value: Any) -> Any:
    if isinstance(value, dict):
        if _TUPLE in value:
            return tuple(map(_unpacked, value[_TUPLE]))
        return {key: _unpacked(item) for key, item in value.items()}
    return list(map(_unpacked, value)) if isinstance(value, list) else value
