"""The contract between `zoo` and its plugins: specs, hooks, discovery, lookup, errors.

Imports the standard library and pluggy only, so that a plugin's spec module stays light.
"""

from typing import TYPE_CHECKING, Any

from ._address import resolve
from ._discovery import Entry, Plugin
from ._errors import (
    AmbiguousName,
    BadSample,
    DatasetUnavailable,
    InvalidData,
    InvalidOption,
    SpecError,
    UnknownName,
    UsageError,
    ZooError,
)
from ._markers import hookimpl
from ._nearest import nearest
from ._registry import Registry, kinds, load
from ._specs import DatasetSpec, LossSpec, ModelSpec, OptimizerSpec, SchedulerSpec, Spec, Splits

if TYPE_CHECKING:
    from ._signature import SUPPLIED, Option, Signature, options_of, read_signature

# Reading signatures is for those who look at options: a list of names starts without it.
_LATE = ("SUPPLIED", "Option", "Signature", "options_of", "read_signature")

__all__ = [
    "SUPPLIED",
    "AmbiguousName",
    "BadSample",
    "DatasetSpec",
    "DatasetUnavailable",
    "Entry",
    "InvalidData",
    "InvalidOption",
    "LossSpec",
    "ModelSpec",
    "OptimizerSpec",
    "Option",
    "Plugin",
    "Registry",
    "SchedulerSpec",
    "Signature",
    "Spec",
    "SpecError",
    "Splits",
    "UnknownName",
    "UsageError",
    "ZooError",
    "hookimpl",
    "kinds",
    "load",
    "nearest",
    "options_of",
    "read_signature",
    "resolve",
]


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import _signature

    return getattr(_signature, name)
