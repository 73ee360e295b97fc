"""Every error that zoo raises on purpose: each text says what failed and what to do.

`exit_code` is what the command line ends with: 2 where what was asked is wrong, else 1.
"""

from typing import TYPE_CHECKING

from zoo_registry import (
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

if TYPE_CHECKING:
    from .weights._report import LoadReport

__all__ = [
    "AmbiguousName",
    "BadSample",
    "CorruptCheckpoint",
    "CorruptWeights",
    "DatasetUnavailable",
    "Diverged",
    "HubError",
    "IncompatibleWeights",
    "InvalidData",
    "InvalidOption",
    "NotOnHub",
    "OutOfMemory",
    "PushUnknown",
    "RunExists",
    "SpecError",
    "Stopped",
    "StorageError",
    "UnknownName",
    "UntrustedWeights",
    "UsageError",
    "ZooError",
]


class StorageError(ZooError):
    """A file or folder can't be written: no space, no permission, a read-only disk."""


class RunExists(UsageError):
    """The name asked for belongs to a run that is kept."""


class CorruptWeights(ZooError):
    """A file is not, or no longer, what its name or its record says: cut short, altered."""


class CorruptCheckpoint(ZooError):
    """A run has no checkpoint that is what was stored, or one given is not."""


class UntrustedWeights(ZooError):
    """A file could only be loaded by running code that is pickled in it, which is never done."""


class IncompatibleWeights(UsageError):
    """A sound file that does not fit the model, or that holds no state_dict.

    Attributes:
        report: what fits and what does not; None where it did not come to a comparison.
    """

    def __init__(self, text: str, report: "LoadReport | None" = None) -> None:
        super().__init__(text)
        self.report = report


class Diverged(ZooError):
    """The loss is no longer finite; the weights were not updated with it."""


class HubError(ZooError):
    """A hub can't be reached, refuses, or has a fault: what was asked of it was not done."""


class NotOnHub(UsageError):
    """A hub has no such repository or revision, or nothing in it that zoo can use."""


class PushUnknown(ZooError):
    """A commit was sent to a hub, and nobody answered: it may be there, or not."""

    exit_code = 3


class OutOfMemory(ZooError):
    """The device's memory does not suffice; the text says what needs less."""


class Stopped(ZooError):
    """A training was stopped from outside with its state saved.

    Attributes:
        exit_code: 75 after SIGTERM, 130 after Ctrl-C.
    """

    def __init__(self, text: str, exit_code: int = 75) -> None:
        super().__init__(text)
        self.exit_code = exit_code
