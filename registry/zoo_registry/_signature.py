"""A component's options: what its builder's signature says, read without importing it.

Importing torch costs seconds, so `zoo info` and the check of `--set` read the source. What only
running it can tell (an unknown decorator, a computed class) is imported after all.
"""

from collections.abc import Collection
from dataclasses import dataclass

from ._specs import Spec

SUPPLIED = {
    "dataset": ("root",),
    "optimizer": ("params", "lr"),
    "scheduler": ("optimizer", "total_steps"),
}
"""By kind of spec, the parameters that the training loop fills; they are not options."""


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


def options_of(spec: Spec, *, importing: bool = True) -> Signature:
    """Return the signature of a spec's builder less its arguments and what the loop supplies.

    Args:
        spec: of the component.
        importing: import the builder where its source does not tell.

    Raises:
        SpecError: its address does not resolve, leads to nothing that can be called, or would
            have to be imported.
    """
    supplied = SUPPLIED.get(spec.kind, ())
    leave_out = ("self", *supplied, *spec.arguments)
    return read_signature(spec.address, leave_out=leave_out, importing=importing)


def read_signature(
    address: str, *, leave_out: Collection[str] = (), importing: bool = True
) -> Signature:
    """Return how `package.module:attribute` is called, less the parameters in `leave_out`.

    Raises:
        SpecError: the address does not resolve, leads to nothing that can be called, or would
            have to be imported.
    """
    # Imported here: few commands read a signature, and all import this module.
    from ._reading import read

    rows, accepts_any, doc = read(address, leave_out, importing=importing)
    return Signature(tuple(Option(*row) for row in rows), accepts_any, doc)
