"""What the text of a default or of an annotation stands for."""

import ast
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from ._functions import Text
from ._names import Names, origin
from ._source import Import, NotStatic, bindings, find_source


class Expression(str):
    """The source text of a default that is no plain value, such as `nn.ReLU`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def default_of(text: Text) -> Any:
    """Return the plain value that `text` stands for, else its source as an `Expression`.

    A constant of its module or class, or one imported by name, counts as its value.
    """
    known = _Rewriter(lambda name: _constant(text, name)).visit(deepcopy(text.expression))
    try:
        return ast.literal_eval(known)
    except (TypeError, ValueError, MemoryError, RecursionError):
        return Expression(ast.unparse(text.expression))


def annotation_of(text: Text) -> str:
    """Return an annotation's source, with the package's own names for types written out."""
    return ast.unparse(_annotation(text, Names()))


def choices_of(annotation: str) -> tuple[object, ...]:
    """Return the values that `Literal[…]`, or a union of them, allows; empty for any other."""
    try:
        return tuple(_choices(ast.parse(annotation, mode="eval").body))
    except (SyntaxError, ValueError):
        return ()


def _choices(node: ast.expr) -> list[object]:
    match node:
        case ast.Constant(value=None):
            return [None]
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return [*_choices(left), *_choices(right)]
        case ast.Subscript(value=value, slice=inner):
            parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            match ast.unparse(value).rpartition(".")[2]:
                case "Literal":
                    return [ast.literal_eval(part) for part in parts]
                case "Union":
                    return [choice for part in parts for choice in _choices(part)]
                case "Optional":
                    return [*_choices(inner), None]
    raise ValueError("not only literals")


def _constant(text: Text, name: str) -> ast.expr | None:
    own = bindings(text.owner.body, "") if text.owner else {}
    try:
        value = own[name] if name in own else Names().lookup(text.source, name).node
    except NotStatic:
        return None
    if not isinstance(value, ast.expr):
        return None
    try:
        ast.literal_eval(value)
    except (TypeError, ValueError, MemoryError, RecursionError):
        return None
    return value


def _annotation(text: Text, names: Names) -> ast.expr:
    rewriter = _Annotations(lambda name: _alias(text, name, names), text)
    rewritten: ast.expr = rewriter.visit(deepcopy(text.expression))
    return rewritten


def _alias(text: Text, name: str, names: Names) -> ast.expr | None:
    """Return the type that `name` is another name for, where the package itself says so."""
    source = text.source
    binding = source.scope.get(name)
    try:
        names.step(name)
        if isinstance(binding, Import) and _is_near(source.name, binding):
            source = find_source(binding.module)
            binding = source.scope.get(binding.name)
    except NotStatic:
        return None
    if isinstance(binding, ast.Name | ast.Attribute | ast.Subscript | ast.BinOp):
        return _annotation(Text(source, binding), names)
    return None


def _is_near(module: str, binding: Import) -> bool:
    """Whether an import is from the same package, and not from one of the module's parents.

    A parent's `__init__` holds re-exports, seldom types of its own, and can be very long.
    """
    same = module.partition(".")[0] == binding.module.partition(".")[0]
    return same and bool(binding.name) and not f"{module}.".startswith(f"{binding.module}.")


class _Rewriter(ast.NodeTransformer):
    """Puts what `known` returns in the place of each name it knows."""

    def __init__(self, known: Callable[[str], ast.expr | None]) -> None:
        self._known = known

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._known(node.id) or node


class _Annotations(_Rewriter):
    """Also opens quoted annotations, and leaves the values in `Literal[…]` alone."""

    def __init__(self, known: Callable[[str], ast.expr | None], text: Text) -> None:
        super().__init__(known)
        self._text = text

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if origin(self._text.source, node.value).endswith(".Literal"):
            return node
        return self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if not isinstance(node.value, str):
            return node
        try:
            quoted = ast.parse(node.value, mode="eval").body
        except SyntaxError:
            return node
        opened: ast.AST = self.visit(quoted)
        return opened
