"""How something is called, read from its source without importing it or its parents."""

from ._call import Call, missing, read_call
from ._functions import Written
from ._source import NotStatic
from ._values import Expression, annotation_of, choices_of, default_of

__all__ = [
    "Call",
    "Expression",
    "NotStatic",
    "Written",
    "annotation_of",
    "choices_of",
    "default_of",
    "missing",
    "read_call",
]
