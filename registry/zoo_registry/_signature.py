"""A component's options: what its builder's signature says, read without importing it.

Importing torch costs seconds, so `zoo info` and the check of `--set` read the source. What only
running it can tell (an unknown decorator, a computed class) is imported after all.
"""

import ast
import inspect
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from ._address import resolve
from ._errors import SpecError
from ._specs import Spec
from ._static import (
    Expression,
    NotStatic,
    Written,
    annotation_of,
    choices_of,
    default_of,
    read_call,
)

SUPPLIED = {
    "dataset": ("root",),
    "optimizer": ("params", "lr"),
    "scheduler": ("optimizer", "total_steps"),
}
"""By kind of spec, the parameters that the training loop fills; they are not options."""

_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclass(frozen=True)
class Option:
    """One parameter that can be given by name."""

    name: str
    annotation: str = ""
    """As written, `int | None`; empty where there is none."""
    default: object = None
    """A plain value, or an `Expression`: the source of what is none."""
    required: bool = False
    choices: tuple[object, ...] = ()
    """All the values there are, where its annotation is a `Literal`."""


@dataclass(frozen=True)
class Signature:
    """How a builder is called by name."""

    options: tuple[Option, ...]
    accepts_any: bool = False
    """It takes `**kwargs`, so that other names may be right too."""
    doc: str = ""
    """The first paragraph of its docstring, on one line."""


def options_of(spec: Spec) -> Signature:
    """Return the signature of a spec's builder less what the training loop supplies.

    Raises:
        SpecError: its address does not resolve, or leads to nothing that can be called.
    """
    return read_signature(spec.address, leave_out=("self", *SUPPLIED.get(spec.kind, ())))


def read_signature(address: str, *, leave_out: Collection[str] = ()) -> Signature:
    """Return how `package.module:attribute` is called, less the parameters in `leave_out`.

    Raises:
        SpecError: the address does not resolve, or leads to nothing that can be called.
    """
    try:
        call = read_call(address)
    except NotStatic:
        return _imported(address, leave_out)
    return Signature(
        tuple(
            _written(parameter)
            for parameter in call.parameters
            if parameter.kind in _BY_NAME and parameter.name not in leave_out
        ),
        any(parameter.kind == inspect.Parameter.VAR_KEYWORD for parameter in call.parameters),
        _first_paragraph(call.doc),
    )


def _written(parameter: Written) -> Option:
    annotation = annotation_of(parameter.annotation) if parameter.annotation else ""
    default = default_of(parameter.default) if parameter.default else None
    return Option(
        parameter.name, annotation, default, parameter.default is None, choices_of(annotation)
    )


def _imported(address: str, leave_out: Collection[str]) -> Signature:
    target = resolve(address)
    if not callable(target):
        raise SpecError(f"{address!r} is a {type(target).__name__}, which can't be called")
    doc = _first_paragraph(inspect.getdoc(target) or "")
    try:
        parameters = inspect.signature(target).parameters.values()
    except ValueError:  # written in C, without a signature
        return Signature((), accepts_any=True, doc=doc)
    return Signature(
        tuple(
            _inspected(parameter)
            for parameter in parameters
            if parameter.kind in _BY_NAME and parameter.name not in leave_out
        ),
        any(parameter.kind == inspect.Parameter.VAR_KEYWORD for parameter in parameters),
        doc,
    )


def _inspected(parameter: inspect.Parameter) -> Option:
    bare = parameter.annotation is inspect.Parameter.empty
    required = parameter.default is inspect.Parameter.empty
    annotation = "" if bare else _text(parameter.annotation)
    default = None if required else _plain(parameter.default)
    return Option(parameter.name, annotation, default, required, choices_of(annotation))


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
