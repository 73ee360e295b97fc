"""Where a module is written and what its top level binds, found without importing anything."""

import ast
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from .._finding import find_module

_REWRITES = ("__init__", "__new__", "__call__", "__signature__", "__wrapped__")
"""Attributes whose assignment changes how the thing is called."""


class NotStatic(Exception):
    """Only running the module can tell."""


class NotThere(NotStatic):
    """There is no such module, nor such a name in one whose names are all written."""


@dataclass(frozen=True)
class Import:
    """A name bound by an import: attribute `name` of `module`, or the module itself when empty."""

    module: str
    name: str = ""


Binding = ast.FunctionDef | ast.ClassDef | ast.expr | Import | None
"""What a name stands for; None where only running the module can tell."""


@dataclass(frozen=True)
class Source:
    """A module as it is written."""

    name: str
    package: str
    """What its relative imports are relative to."""
    scope: Mapping[str, Binding]
    stars: tuple[str, ...]
    """Modules whose public names it imports with `*`, in order."""


def find_source(module: str) -> Source:
    """Read `module`, importing neither it nor its parents.

    Raises:
        NotThere: there is no such module.
        NotStatic: it is not Python source in a file.
    """
    spec = find_module(module)
    if spec is None:
        raise NotThere(f"there is no {module}")
    locations = spec.submodule_search_locations
    package = module if locations is not None else module.rpartition(".")[0]
    if spec.origin is None and locations is not None:  # a namespace package
        return Source(module, package, {}, ())
    if spec.origin is None or not spec.origin.endswith(".py"):
        raise NotStatic(f"{module} is not Python source")
    path = Path(spec.origin)
    try:
        body = _parse(path, path.stat().st_mtime_ns)
    except (OSError, SyntaxError, ValueError) as error:
        raise NotStatic(f"{path} can't be read") from error
    stars = (
        _absolute(node, package)
        for node in body
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*"
    )
    return Source(module, package, bindings(body, package), tuple(stars))


@lru_cache(maxsize=16)
def _parse(path: Path, _written_ns: int) -> list[ast.stmt]:
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # an invalid escape is its author's business, not the user's
        return ast.parse(path.read_bytes()).body


def bindings(body: Iterable[ast.stmt], package: str) -> dict[str, Binding]:
    """Return what each name in `body` is bound to; None where it is bound twice or on condition."""
    scope: dict[str, Binding] = {}
    for statement in body:
        for name, binding in _bound(statement, package):
            scope[name] = binding if scope.get(name, binding) == binding else None
    return scope


def _bound(statement: ast.stmt, package: str) -> Iterator[tuple[str, Binding]]:
    match statement:
        case ast.FunctionDef(decorator_list=decorators) if any(map(_is_overload, decorators)):
            return
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            yield name, statement
        case ast.Import() | ast.ImportFrom():
            yield from _imported(statement, package)
        case ast.AnnAssign(value=None, target=ast.Name()):
            return
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.expr() as value):
            yield name, value
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            yield name, value
        case _ if type(statement).__name__ == "TypeAlias":  # `type X = …`, Python 3.12
            yield statement.name.id, statement.value  # type: ignore[attr-defined]
        case _:
            yield from ((name, None) for name in _stored(statement))


def _imported(statement: ast.Import | ast.ImportFrom, package: str) -> Iterator[tuple[str, Import]]:
    for alias in statement.names:
        if alias.name == "*":
            continue
        if isinstance(statement, ast.ImportFrom):
            module = _absolute(statement, package)
            yield alias.asname or alias.name, Import(module, alias.name)
        elif alias.asname:
            yield alias.asname, Import(alias.name)
        else:  # `import a.b` binds `a`
            top = alias.name.partition(".")[0]
            yield top, Import(top)


def _stored(node: ast.AST) -> Iterator[str]:
    """Yield every name that running `node` may bind, unbind or rewrite."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
            return
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            yield name
        case ast.Attribute(value=ast.Name(id=name), attr=attr, ctx=ast.Store() | ast.Del()):
            if attr in _REWRITES:
                yield name
        case ast.alias(name=name, asname=asname):
            yield asname or name.partition(".")[0]
        case ast.ExceptHandler(name=str(name)):
            yield name
    for child in ast.iter_child_nodes(node):
        yield from _stored(child)


def _absolute(statement: ast.ImportFrom, package: str) -> str:
    if not statement.level:
        return statement.module or ""
    parents = package.split(".")
    base = parents[: len(parents) - statement.level + 1]
    return ".".join([*base, *filter(None, [statement.module])])


def _is_overload(decorator: ast.expr) -> bool:
    return ast.unparse(decorator).rpartition(".")[2] == "overload"
