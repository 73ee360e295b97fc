"""How something is called, read from where it is written."""

import ast
from dataclasses import dataclass, replace

from ._classes import constructor_parameters
from ._functions import ORDINARY, POSITIONAL, Text, Written, function_parameters, written
from ._names import Found, Names, origin
from ._source import NotStatic, NotThere, find_source


@dataclass(frozen=True)
class Call:
    """How something is called, and its docstring."""

    parameters: tuple[Written, ...]
    doc: str = ""


def read_call(address: str) -> Call:
    """Read how `package.module:attribute` is called, importing nothing.

    Raises:
        NotStatic: only importing it can tell.
    """
    module, _, attribute = address.partition(":")
    names = Names()
    found = Found(find_source(module), None)
    for part in attribute.split("."):
        found = names.attribute(found, part)
    parameters = tuple(_parameters(names, found))
    if isinstance(found.node, ast.FunctionDef | ast.ClassDef):
        return Call(parameters, ast.get_docstring(found.node) or "")
    return Call(parameters)


def missing(address: str) -> str:
    """Say what is not there of `package.module:attribute`; empty where all is, or may be."""
    module, _, attribute = address.partition(":")
    names = Names()
    try:
        found = Found(find_source(module), None)
        for part in attribute.split("."):
            found = names.attribute(found, part)
    except NotThere as error:
        return str(error)
    except NotStatic:
        return ""
    return ""


def _parameters(names: Names, found: Found) -> list[Written]:
    match found.node:
        case ast.FunctionDef():
            return function_parameters(found)
        case ast.ClassDef():
            return constructor_parameters(names, found)
        case ast.Lambda(args=arguments):
            return list(written(arguments, found))
        case ast.Call() as call if origin(found.source, call.func) == "functools.partial":
            return _partial(names, found, call)
    raise NotStatic("it is computed")


def _partial(names: Names, found: Found, call: ast.Call) -> list[Written]:
    """Give `partial(f, 1, width=2)` the call of `f` less what is filled, with the new defaults."""
    if not call.args or any(isinstance(part, ast.Starred) for part in call.args):
        raise NotStatic("partial(*…) is computed")
    inner = _parameters(names, names.follow(found.source, call.args[0]))
    filled, rest = inner[: len(call.args) - 1], inner[len(call.args) - 1 :]
    given = {keyword.arg: Text(found.source, keyword.value) for keyword in call.keywords}
    fits = {part.kind for part in filled} <= {POSITIONAL, ORDINARY}
    if not fits or not given.keys() <= {part.name for part in rest}:
        raise NotStatic("partial(…) fills what is not written")
    return [replace(part, default=given.get(part.name, part.default)) for part in rest]
