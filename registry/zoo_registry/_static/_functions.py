"""The parameters of a function, as they are written."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from inspect import Parameter

from ._names import Found, origin
from ._source import NotStatic, Source

POSITIONAL = Parameter.POSITIONAL_ONLY
ORDINARY = Parameter.POSITIONAL_OR_KEYWORD
MANY = Parameter.VAR_POSITIONAL
KEYWORD = Parameter.KEYWORD_ONLY
ANY = Parameter.VAR_KEYWORD

DATACLASS = "dataclasses.dataclass"
_SAME_CALL = frozenset(
    {
        "abc.abstractmethod",
        "classmethod",
        "functools.cache",
        "functools.lru_cache",
        "functools.total_ordering",
        "staticmethod",
        "torch.enable_grad",
        "torch.inference_mode",
        "torch.no_grad",
        "typing.final",
        "typing.override",
        "typing.runtime_checkable",
        "typing_extensions.deprecated",
        "typing_extensions.final",
        "typing_extensions.override",
        "warnings.deprecated",
    }
)
"""Decorators that leave the way a thing is called as it is written."""


@dataclass(frozen=True)
class Text:
    """An expression and where it is written, which is what gives its names a meaning."""

    source: Source
    expression: ast.expr
    owner: ast.ClassDef | None = None


@dataclass(frozen=True)
class Written:
    """A parameter as it is written."""

    name: str
    kind: int
    annotation: Text | None = None
    default: Text | None = None


def function_parameters(found: Found) -> list[Written]:
    """Return the parameters of a function, or of a method as its class gives it."""
    assert isinstance(found.node, ast.FunctionDef)
    marks = decorators(found)
    parameters = list(written(found.node.args, found))
    return parameters[1:] if found.owner is not None and "classmethod" in marks else parameters


def decorators(found: Found) -> dict[str, ast.expr]:
    """Return each decorator under the name of what it refers to.

    Raises:
        NotStatic: one of them may change how the thing is called.
    """
    assert isinstance(found.node, ast.FunctionDef | ast.ClassDef)
    marks = {}
    for decorator in found.node.decorator_list:
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        mark = origin(found.source, target)
        if mark not in _SAME_CALL and not (
            mark == DATACLASS and isinstance(found.node, ast.ClassDef)
        ):
            raise NotStatic(f"decorator {ast.unparse(target)} may change the call")
        marks[mark] = decorator
    return marks


def written(arguments: ast.arguments, found: Found) -> Iterator[Written]:
    """Yield each parameter in `arguments`, which is written where `found` is."""
    ordinary = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [*arguments.defaults]
    defaults[:0] = [None] * (len(ordinary) - len(defaults))
    for index, (argument, default) in enumerate(zip(ordinary, defaults, strict=True)):
        kind = POSITIONAL if index < len(arguments.posonlyargs) else ORDINARY
        yield _one(found, argument, kind, default)
    if arguments.vararg:
        yield _one(found, arguments.vararg, MANY)
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield _one(found, argument, KEYWORD, default)
    if arguments.kwarg:
        yield _one(found, arguments.kwarg, ANY)


def _one(found: Found, argument: ast.arg, kind: int, default: ast.expr | None = None) -> Written:
    def text(expression: ast.expr | None) -> Text | None:
        return Text(found.source, expression, found.owner) if expression else None

    return Written(argument.arg, kind, text(argument.annotation), text(default))
