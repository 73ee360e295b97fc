"""The parameters a class is called with, as they are written."""

import ast
from collections.abc import Iterator
from dataclasses import replace

from ._functions import DATACLASS, KEYWORD, ORDINARY, Text, Written, decorators, function_parameters
from ._names import Found, Names, origin
from ._source import NotStatic, bindings


def constructor_parameters(names: Names, found: Found) -> list[Written]:
    """Return the parameters of a class: of its `__init__`, its fields, or its base's.

    Raises:
        NotStatic: only importing it can tell.
    """
    assert isinstance(found.node, ast.ClassDef)
    marks = decorators(found)
    if any(origin(found.source, word.value) != "abc.ABCMeta" for word in found.node.keywords):
        raise NotStatic(f"the metaclass of {found.node.name} may change the call")
    scope = bindings(found.node.body, found.source.package)
    if scope.keys() & {"__new__", "__signature__"}:
        raise NotStatic(f"{found.node.name} makes its instances itself")
    if "__init__" in scope:
        own = scope["__init__"]
        if not isinstance(own, ast.FunctionDef):
            raise NotStatic(f"{found.node.name}.__init__ is computed")
        return function_parameters(Found(found.source, own, found.node))[1:]
    if DATACLASS in marks:
        fields = _fields(names, found).values()
        return sorted(fields, key=lambda field: field.kind)
    return _inherited(names, found)


def _inherited(names: Names, found: Found) -> list[Written]:
    bases = [names.follow(found.source, base) for base in names.bases(found)]
    if not bases:
        return []
    first = bases[0].node
    if not isinstance(first, ast.ClassDef):
        raise NotStatic("a base is computed")
    # With several bases only the first one's own `__init__` is sure to come first.
    if len(bases) > 1 and "__init__" not in bindings(first.body, bases[0].source.package):
        raise NotStatic(f"{first.name} has no __init__, and another base may")
    return constructor_parameters(names, bases[0])


def _fields(names: Names, found: Found) -> dict[str, Written]:
    """Return the fields of a dataclass, its bases' first; nothing for any other class."""
    bases = list(names.bases(found))
    assert isinstance(found.node, ast.ClassDef)
    if len(bases) > 1:
        raise NotStatic(f"{found.node.name} may have fields of several bases")
    fields = _fields(names, names.follow(found.source, bases[0])) if bases else {}
    mark = decorators(found).get(DATACLASS)
    if mark is None:
        return fields
    words = {word.arg: word.value for word in mark.keywords} if isinstance(mark, ast.Call) else {}
    if not _flag(words.get("init"), default=True):
        raise NotStatic(f"{found.node.name} has no __init__ of its fields")
    keyword_only = _flag(words.get("kw_only"), default=False)
    own = _own_fields(found, found.node, KEYWORD if keyword_only else ORDINARY)
    return fields | {field.name: field for field in own}


def _own_fields(found: Found, node: ast.ClassDef, kind: int) -> Iterator[Written]:
    for statement in node.body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value):
                plain = annotation.value if isinstance(annotation, ast.Subscript) else annotation
                meaning = origin(found.source, plain)
                if meaning == "dataclasses.KW_ONLY":
                    kind = KEYWORD
                elif meaning == "dataclasses.InitVar" and isinstance(annotation, ast.Subscript):
                    field = Written(name, kind, Text(found.source, annotation.slice, node))
                    yield from _with_default(field, value)
                elif meaning != "typing.ClassVar":
                    field = Written(name, kind, Text(found.source, annotation, node))
                    yield from _with_default(field, value)


def _with_default(field: Written, value: ast.expr | None) -> Iterator[Written]:
    assert field.annotation is not None
    place = field.annotation
    if value is None:
        yield field
        return
    if not (
        isinstance(value, ast.Call) and origin(place.source, value.func) == "dataclasses.field"
    ):
        yield replace(field, default=replace(place, expression=value))
        return
    words = {word.arg: word.value for word in value.keywords}
    if not _flag(words.get("init"), default=True):
        return
    kind = KEYWORD if _flag(words.get("kw_only"), default=field.kind == KEYWORD) else ORDINARY
    default = words.get("default")
    if factory := words.get("default_factory"):
        default = ast.Call(func=factory, args=[], keywords=[])
    yield replace(field, kind=kind, default=replace(place, expression=default) if default else None)


def _flag(expression: ast.expr | None, *, default: bool) -> bool:
    if expression is None:
        return default
    if isinstance(expression, ast.Constant) and isinstance(expression.value, bool):
        return expression.value
    raise NotStatic("a dataclass's options are computed")
