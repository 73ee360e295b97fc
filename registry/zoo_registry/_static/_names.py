"""Names followed through imports and assignments to what is written."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from ._source import Import, NotStatic, Source, bindings, find_source


@dataclass(frozen=True)
class Found:
    """What a name leads to, and where that is written."""

    source: Source
    node: ast.FunctionDef | ast.ClassDef | ast.expr | None
    """None: the module itself."""
    owner: ast.ClassDef | None = None
    """The class in whose body it is written."""


@dataclass
class Names:
    """Follows names, a bounded number of steps in all: source may well lead in circles."""

    steps: int = field(default=64)

    def lookup(self, source: Source, name: str) -> Found:
        """Follow the name `name` at the top level of `source`."""
        self.step(name)
        if "*" in source.scope:
            raise NotStatic(f"{source.name} imports * on condition")
        if name in source.scope:
            return self._bound(source, name)
        for star in reversed(source.stars):
            exporter = find_source(star)
            if name in _exported(exporter):
                return self.lookup(exporter, name)
        if "__getattr__" in source.scope:
            raise NotStatic(f"{source.name} computes {name}")
        return Found(find_source(f"{source.name}.{name}"), None)

    def follow(self, source: Source, expression: ast.expr) -> Found:
        """Follow `name` or `name.attribute…`, written at the top level of `source`."""
        match expression:
            case ast.Name(id=name):
                return self.lookup(source, name)
            case ast.Attribute(value=value, attr=attribute):
                return self.attribute(self.follow(source, value), attribute)
        raise NotStatic(f"{ast.unparse(expression)} is computed")

    def attribute(self, found: Found, attribute: str) -> Found:
        """Follow an attribute of a module or of a class, inherited ones too."""
        if found.node is None:
            return self.lookup(found.source, attribute)
        if not isinstance(found.node, ast.ClassDef):
            raise NotStatic(f"attribute {attribute} of something computed")
        self.step(attribute)
        scope = bindings(found.node.body, found.source.package)
        if attribute in scope:
            member = scope[attribute]
            if isinstance(member, ast.FunctionDef | ast.ClassDef):
                return Found(found.source, member, found.node)
            raise NotStatic(f"{found.node.name}.{attribute} is computed")
        bases = list(self.bases(found))
        if len(bases) != 1:
            raise NotStatic(f"{found.node.name}.{attribute} is inherited from one of several")
        return self.attribute(self.follow(found.source, bases[0]), attribute)

    def bases(self, found: Found) -> Iterator[ast.expr]:
        """Yield a class's bases without those that add nothing to how it is called."""
        if not isinstance(found.node, ast.ClassDef):
            raise NotStatic("a base is computed")
        for base in found.node.bases:
            plain = base.value if isinstance(base, ast.Subscript) else base
            if origin(found.source, plain) not in ("object", "abc.ABC", "typing.Generic"):
                yield plain

    def step(self, name: str) -> None:
        """Count one step; raise when there were too many."""
        self.steps -= 1
        if self.steps < 0:
            raise NotStatic(f"{name} leads too far")

    def _bound(self, source: Source, name: str) -> Found:
        binding = source.scope[name]
        match binding:
            case None:
                raise NotStatic(f"{source.name}.{name} is bound twice or on condition")
            case Import(module=module, name=""):
                return Found(find_source(module), None)
            case Import(module=module, name=imported):
                exporter = source if module == source.name else find_source(module)
                if exporter.scope.get(imported) == binding:  # `from . import part` in a package
                    return Found(find_source(f"{module}.{imported}"), None)
                return self.lookup(exporter, imported)
            case ast.Name() | ast.Attribute():
                return self.follow(source, binding)
        return Found(source, binding)


def origin(source: Source, expression: ast.expr) -> str:
    """Name what `expression` refers to, `functools.partial`, by the imports of `source` alone.

    Empty where it is something of the module's own, or computed.
    """
    match expression:
        case ast.Name(id=name) if name not in source.scope:
            return name
        case ast.Name(id=name):
            binding = source.scope[name]
            if isinstance(binding, Import):
                return f"{binding.module}.{binding.name}".rstrip(".")
        case ast.Attribute(value=value, attr=attribute):
            base = origin(source, value)
            return base and f"{base}.{attribute}"
    return ""


def _exported(source: Source) -> set[str]:
    """The names that `from source import *` brings, as far as they are written there."""
    declared = source.scope.get("__all__")
    if "__all__" not in source.scope and not source.stars:
        return {name for name in source.scope if not name.startswith("_")}
    if not isinstance(declared, ast.expr):
        raise NotStatic(f"{source.name}.__all__ is computed")
    try:
        return set(ast.literal_eval(declared))
    except (TypeError, ValueError) as error:
        raise NotStatic(f"{source.name}.__all__ is computed") from error
