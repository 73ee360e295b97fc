"""Signatures as rows of plain data: from the source, else from what importing it brings."""

import ast
import inspect
from collections.abc import Collection
from typing import Any, NamedTuple

from ._address import resolve
from ._errors import SpecError
from ._static import (
    Expression,
    NotStatic,
    Written,
    annotation_of,
    choices_of,
    default_of,
    read_call,
)

_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class Row(NamedTuple):
    """One parameter that can be given by name; see `Option`."""

    name: str
    annotation: str
    default: object
    required: bool
    choices: tuple[object, ...]


class Reading(NamedTuple):
    """How something is called by name; see `Signature`."""

    rows: tuple[Row, ...]
    accepts_any: bool
    doc: str


def read(address: str, leave_out: Collection[str], *, importing: bool = True) -> Reading:
    """Read how `package.module:attribute` is called, less the parameters in `leave_out`.

    Raises:
        SpecError: the address does not resolve, leads to nothing that can be called, or would
            have to be imported.
    """
    try:
        call = read_call(address)
    except NotStatic as reason:
        if not importing:
            raise SpecError(f"only importing {address!r} tells its options: {reason}") from reason
        return _imported(address, leave_out)
    rows = tuple(
        _written(parameter)
        for parameter in call.parameters
        if parameter.kind in _BY_NAME and parameter.name not in leave_out
    )
    accepts_any = any(p.kind == inspect.Parameter.VAR_KEYWORD for p in call.parameters)
    return Reading(rows, accepts_any, _first_paragraph(call.doc))


def _written(parameter: Written) -> Row:
    annotation = annotation_of(parameter.annotation) if parameter.annotation else ""
    default = default_of(parameter.default) if parameter.default else None
    return Row(
        parameter.name, annotation, default, parameter.default is None, choices_of(annotation)
    )


def _imported(address: str, leave_out: Collection[str]) -> Reading:
    target = resolve(address)
    if not callable(target):
        raise SpecError(f"{address!r} is a {type(target).__name__}, which can't be called")
    doc = _first_paragraph(inspect.getdoc(target) or "")
    try:
        parameters = inspect.signature(target).parameters.values()
    except ValueError:  # written in C, without a signature
        return Reading((), accepts_any=True, doc=doc)
    rows = tuple(
        _inspected(parameter)
        for parameter in parameters
        if parameter.kind in _BY_NAME and parameter.name not in leave_out
    )
    return Reading(rows, any(p.kind == inspect.Parameter.VAR_KEYWORD for p in parameters), doc)


def _inspected(parameter: inspect.Parameter) -> Row:
    bare = parameter.annotation is inspect.Parameter.empty
    required = parameter.default is inspect.Parameter.empty
    annotation = "" if bare else _text(parameter.annotation)
    default = None if required else _plain(parameter.default)
    return Row(parameter.name, annotation, default, required, choices_of(annotation))


def _text(annotation: Any) -> str:
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


def _plain(value: Any) -> object:
    """Keep plain data; give anything else as the name or the text that stands for it."""
    try:
        if ast.literal_eval(repr(value)) == value:
            return value
    except (SyntaxError, ValueError):
        pass
    name = getattr(value, "__qualname__", None)
    return Expression(f"{value.__module__}.{name}" if name else repr(value))


def _first_paragraph(doc: str) -> str:
    return " ".join(doc.strip().partition("\n\n")[0].split())
