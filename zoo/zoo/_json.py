"""JSON as zoo stores and prints it: strict, so that any program reads it."""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any


def to_json(
    value: Any, *, indent: int | None = None, default: Callable[[Any], Any] | None = None
) -> str:
    """Write a value as JSON; NaN and the infinities, which JSON does not have, become null.

    Args:
        value: tables, lists, texts, numbers.
        indent: spaces for each level; None: all on one line.
        default: turns what is none of these into one; None: that is a TypeError.
    """
    return json.dumps(
        _finite(value), allow_nan=False, ensure_ascii=False, indent=indent, default=default
    )


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
