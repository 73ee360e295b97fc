"""JSON as zoo stores and prints it: strict, so that any program reads it."""

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

_SURROGATE = re.compile("[\ud800-\udfff]")
"""What Python makes of file names that are not Unicode, and what UTF-8 does not have."""


def to_json(
    value: Any, *, indent: int | None = None, default: Callable[[Any], Any] | None = None
) -> str:
    """Write a value as JSON; NaN and the infinities, which JSON does not have, become null.

    The text can always be written as UTF-8: lone surrogates are escaped.

    Args:
        value: tables, lists, texts, numbers.
        indent: spaces for each level; None: all on one line.
        default: turns what is none of these into one; None: that is a TypeError.
    """
    text = json.dumps(
        _finite(value), allow_nan=False, ensure_ascii=False, indent=indent, default=default
    )
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
