"""The contract between `zoo` and its plugins: specs, hooks, discovery, lookup, errors.

Imports the standard library and pluggy only, so that a plugin's spec module stays light.
"""

import importlib
from typing import TYPE_CHECKING, Any

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
from ._nearest import nearest

if TYPE_CHECKING:
    from ._address import resolve
    from ._finding import read_sources
    from ._index import Store
    from ._markers import hookimpl
    from ._plugin import Entry, Plugin
    from ._registry import Registry, kinds, load
    from ._signature import SUPPLIED, Option, Signature, options_of, read_signature
    from ._specs import (
        DatasetSpec,
        LossSpec,
        ModelSpec,
        OptimizerSpec,
        SchedulerSpec,
        Spec,
        Splits,
        TrackerSpec,
    )
    from ._trackers import Tracker

# Where the names live that are resolved on first use: an error needs neither pluggy nor signatures.
_HOMES = {
    "SUPPLIED": "_signature",
    "DatasetSpec": "_specs",
    "Entry": "_plugin",
    "LossSpec": "_specs",
    "ModelSpec": "_specs",
    "OptimizerSpec": "_specs",
    "Option": "_signature",
    "Plugin": "_plugin",
    "Registry": "_registry",
    "SchedulerSpec": "_specs",
    "Signature": "_signature",
    "Spec": "_specs",
    "Splits": "_specs",
    "Store": "_index",
    "Tracker": "_trackers",
    "TrackerSpec": "_specs",
    "hookimpl": "_markers",
    "kinds": "_registry",
    "load": "_registry",
    "options_of": "_signature",
    "read_signature": "_signature",
    "read_sources": "_finding",
    "resolve": "_address",
}

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
    "Store",
    "Tracker",
    "TrackerSpec",
    "UnknownName",
    "UsageError",
    "ZooError",
    "hookimpl",
    "kinds",
    "load",
    "nearest",
    "options_of",
    "read_signature",
    "read_sources",
    "resolve",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
