"""On what, and with which versions, something was measured."""

import functools
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ._side import installed

_ASK_TORCH = """
import json, torch
gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
cpu = torch.backends.cpu.get_cpu_capability()
print(json.dumps({"threads": torch.get_num_threads(), "instructions": cpu, "gpu": gpu}))
"""


@functools.cache
def machine() -> dict[str, Any]:
    """Describe the machine as far as it bears on speed, without naming it or its user.

    torch is asked in a process of its own: the one that compares stays small.
    """
    asked = subprocess.run(
        (sys.executable, "-c", _ASK_TORCH), check=True, capture_output=True, text=True
    )
    return {
        "platform": platform.platform(),
        "architecture": platform.machine(),
        "processor": _processor(),
        "cores": _cores(),
        **json.loads(asked.stdout),
    }


def versions(distributions: Iterable[str]) -> dict[str, str | None]:
    """Return the version of Python and of each distribution; None where it is not installed."""
    found = {name: installed(name) for name in distributions}
    return {"python": platform.python_version(), **found}


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str:
    """Return the processor's name as Linux has it, else what Python knows."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
