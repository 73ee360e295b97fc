"""How much memory another side's process holds at most."""

import importlib
import resource
import sys
from typing import Any


def of(call: str, **settings: Any) -> dict[str, float]:
    """Call `"module:function"` in this process; return the peak of its resident set, in MiB."""
    module, _, function = call.partition(":")
    getattr(importlib.import_module(module), function)(**settings)
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Kilobytes on Linux, bytes on macOS: getrusage(2) of each.
    return {"peak MiB": held / (1 << 20 if sys.platform == "darwin" else 1 << 10)}
