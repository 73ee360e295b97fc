"""Annotations as text: what they allow, found without evaluating them.

The text is all there is, for its module is not imported. Types of the standard kind are
understood; anything else allows anything.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Literal, Union

_TYPES: Mapping[str, Any] = {
    "None": None,
    "Path": Path,
    "bool": bool,
    "dict": dict,
    "float": float,
    "int": int,
    "list": list,
    "str": str,
    "tuple": tuple,
    **dict.fromkeys(("Dict", "Mapping", "MutableMapping"), dict),
    **dict.fromkeys(("Collection", "Iterable", "List", "MutableSequence", "Sequence"), list),
    "Tuple": tuple,
}
_PLAIN = (bool, int, float, str, type(None))


def convert(value: Any, annotation: str) -> Any:
    """Return `value` as `annotation` asks for it.

    Numbers of other libraries count as Python's, so that `np.float64(0.1)` is a float.

    Of a union, the member that leaves the value as it is comes first. An object that is no plain
    data passes where any part of the annotation is not understood, for it may be just that.

    Raises:
        ValueError: it is of another type.
    """
    value = _builtin(value)
    node = _parse(annotation)
    types = [kind for kind in _alternatives(node) if kind is not Any]
    if not types or (not _is_plain(value) and not _is_understood(node)):
        return value
    converted = []
    for kind in types:
        try:
            converted.append(_convert(value, kind))
        except ValueError:
            continue
    if not converted:
        raise ValueError(f"not {annotation}: {value!r}")
    return next((same for same in converted if type(same) is type(value)), converted[0])


def describe(annotation: str) -> str:
    """Say what `annotation` allows, for a message: `an int or a list[int]`."""
    nodes = list(_members(_parse(annotation)))
    known = [node for node in nodes if list(_alternatives(node)) not in ([Any], [None])]
    return " or ".join(dict.fromkeys(map(_described, known or nodes)))


def _described(node: ast.expr) -> str:
    match node:
        case ast.Subscript(value=value, slice=inner) if _last(value) == "Literal":
            return f"one of {', '.join(map(ast.unparse, _parts(inner)))}"
    text = ast.unparse(node)
    return f"{'an' if text[0] in 'aeiouAEIOU' else 'a'} {text}"


def _convert(value: Any, kind: Any) -> Any:
    # Imported here: `zoo --help` needs no validator.
    import msgspec

    def special(wanted: type, given: Any) -> Any:
        if wanted is Path and isinstance(given, str | Path):
            return Path(given)
        raise ValueError(f"not a {wanted.__name__}")

    try:
        return msgspec.convert(value, kind, dec_hook=special)
    except TypeError:  # a union that msgspec does not tell apart: list[int] | tuple[int, ...]
        return value


def _parse(annotation: str) -> ast.expr:
    try:
        return ast.parse(annotation, mode="eval").body
    except SyntaxError:
        return ast.Name(id="Any")


def _members(node: ast.expr) -> Iterator[ast.expr]:
    """Yield the members of a union, or the annotation itself."""
    match node:
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            yield from _members(left)
            yield from _members(right)
        case ast.Subscript(value=value, slice=inner) if _last(value) in ("Optional", "Union"):
            for part in _parts(inner):
                yield from _members(part)
            if _last(value) == "Optional":
                yield ast.Constant(value=None)
        case ast.Subscript(value=value, slice=inner) if _last(value) == "Annotated":
            yield from _members(_parts(inner)[0])
        case ast.Constant(value=str(quoted)):
            yield from _members(_parse(quoted))
        case _:
            yield node


def _alternatives(node: ast.expr) -> Iterator[Any]:
    """Yield the type of each member; `Any` for one that is not understood."""
    for member in _members(node):
        match member:
            case ast.Name() | ast.Attribute() | ast.Constant(value=None):
                yield _TYPES.get(_last(member), Any)
            case ast.Subscript(value=value, slice=inner) if _last(value) == "Literal":
                yield _literal(inner)
            case ast.Subscript(value=value, slice=inner) if _last(value) in _TYPES:
                yield _generic(_TYPES[_last(value)], _parts(inner))
            case _:
                yield Any


def _literal(inner: ast.expr) -> Any:
    try:
        return Literal[tuple(map(ast.literal_eval, _parts(inner)))]
    except ValueError:
        return Any


def _generic(kind: Any, parts: Sequence[ast.expr]) -> Any:
    inner: list[Any] = [
        ... if isinstance(part, ast.Constant) and part.value is ... else _one(part)
        for part in parts
    ]
    try:
        return kind[tuple(inner)]
    except TypeError:
        return Any


def _one(node: ast.expr) -> Any:
    known = [kind for kind in _alternatives(node) if kind is not Any]
    return Union[tuple(known)] if known else Any  # noqa: UP007 - as many as there happen to be


def _is_understood(node: ast.expr) -> bool:
    """Whether every part of the annotation is a type that is known here."""
    for member in _members(node):
        match member:
            case ast.Subscript(value=value, slice=inner) if _last(value) != "Literal":
                if _last(value) not in _TYPES or not all(map(_is_understood, _parts(inner))):
                    return False
            case ast.Name() | ast.Attribute():
                if _last(member) not in _TYPES:
                    return False
    return True


def _parts(inner: ast.expr) -> list[ast.expr]:
    return inner.elts if isinstance(inner, ast.Tuple) else [inner]


def _last(node: ast.expr) -> str:
    return ast.unparse(node).rpartition(".")[2]


def _builtin(value: Any) -> Any:
    if type(value) in (list, tuple):
        return type(value)(map(_builtin, value))
    match value:
        case bool():
            return value
        case Integral():
            return int(value)
        case Real():
            return float(value)
    return value


def _is_plain(value: Any) -> bool:
    match value:
        case dict():
            return all(_is_plain(part) for pair in value.items() for part in pair)
        case list() | tuple():
            return all(map(_is_plain, value))
    return type(value) in _PLAIN
