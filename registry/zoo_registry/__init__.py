"""The contract between `zoo` and its plugins: specs, hooks, discovery, lookup, errors.

Imports the standard library and pluggy only, so that a plugin's spec module stays light.
"""

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
from ._signature import SUPPLIED, Option, Signature, options_of, read_signature
from ._specs import DatasetSpec, LossSpec, ModelSpec, OptimizerSpec, SchedulerSpec, Spec, Splits

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
