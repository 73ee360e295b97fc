"""Specs as plain JSON, and back again, the same to the type of each value."""

from collections.abc import Callable, Iterable, Iterator
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
_AS_IT_IS, _OF_PLAIN, _DEEPER = "", "tuple", "deeper"
"""Forms of a column: what JSON gives back, tuples of such, what has tuples somewhere within."""
_EMPTY: Any = MappingProxyType({})
_UNSET = {kind: {"arguments": _EMPTY} for kind in _CLASSES}
_UNSET["model"] |= {"recipe": _EMPTY, "recipes": _EMPTY}
"""Fields whose default is no attribute of the class."""


class Unpackable(ZooError):
    """A spec holds what JSON can't give back as it was."""


def pack(specs: Iterable[Spec]) -> list[list[Any]]:
    """Return specs as tables, one of each kind and set of fields that were set.

    A table is the kind, its columns, each with its name and form, and a row for each spec: reading
    them takes half the time of reading each with the names of its fields.

    Raises:
        Unpackable: one is of a class of a plugin's own, or holds something else than plain data.
    """
    tables: dict[Any, list[Any]] = {}
    for spec in specs:
        fields = _set_fields(spec)
        columns = tuple((name, _form(value)) for name, value in fields.items())
        table = tables.setdefault((spec.kind, columns), [spec.kind, columns, []])
        values = zip(fields.values(), columns, strict=True)
        table[2].append([list(v) if form == _OF_PLAIN else _packed(v) for v, (_, form) in values])
    return list(tables.values())


def unpack(tables: list[list[Any]]) -> Iterator[Spec]:
    """Yield the specs, unchecked: they were checked before they were packed."""
    for kind, columns, rows in tables:
        new, unset = _CLASSES[kind], _UNSET[kind]
        names = [name for name, _ in columns]
        changed = [(name, _CONVERT[form]) for name, form in columns if form != _AS_IT_IS]
        for row in rows:
            spec: Spec = object.__new__(new)
            fields = spec.__dict__
            fields.update(unset)
            fields.update(zip(names, row))  # noqa: B905 - strict takes time, and rows are as long
            for name, converted in changed:
                fields[name] = converted(fields[name])
            yield spec


def _set_fields(spec: Spec) -> dict[str, Any]:
    """Return the fields of a spec that are not as they are by default."""
    kind = _CLASSES.get(spec.kind)
    if type(spec) is not kind:
        raise Unpackable(f"{type(spec).__name__} is a class of its own")
    default = kind(name=spec.name, build=spec.build)
    own = {n: value for n, value in vars(spec).items() if value != getattr(default, n)}
    return {"name": spec.name, "build": spec.build, **own}


def _form(value: Any) -> str:
    """Say how a value is packed."""
    if type(value) is tuple and all(type(item) in _PLAIN for item in value):
        return _OF_PLAIN
    return _DEEPER if _has_tuple(_packed(value)) else _AS_IT_IS


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


_CONVERT: dict[str, Callable[[Any], Any]] = {_OF_PLAIN: tuple, _DEEPER: _unpacked}
"""How the values of a column become what they were."""
