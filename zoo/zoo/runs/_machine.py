"""The machine and the process behind a run."""

import hashlib
import os
import platform
import sys
from pathlib import Path
from typing import Any

from .._cores import usable_cores


def machine_facts() -> dict[str, Any]:
    """Describe this machine as far as it bears on a training, without naming it or its user."""
    return {
        "platform": platform.platform(),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "cpus": usable_cores(),
    }


def this_process() -> dict[str, Any]:
    """Say which process on which machine this is, so that others can tell whether it lives.

    The machine is a digest of its name: equal on the same machine, and telling nobody else
    anything.
    """
    return {"pid": os.getpid(), "started": _started(os.getpid()), "host": _host()}


def is_dead(process: dict[str, Any]) -> bool:
    """Say whether a process as `this_process` describes it is known to have ended.

    Of other machines nothing is known. Where the system tells when a process started, a number
    that has been given to another process since is recognized.
    """
    pid = process.get("pid")
    if process.get("host") != _host() or not isinstance(pid, int):
        return False
    if not _exists(pid):
        return True
    started = _started(pid)
    return started is not None and started != process.get("started", started)


def _host() -> str:
    return hashlib.sha256(platform.node().encode()).hexdigest()[:12]


def _started(pid: int) -> int | None:
    """Return when a process started, in the kernel's ticks since boot; None where unknown."""
    try:
        # proc(5): the 22nd field; the second, in parentheses, may contain spaces itself.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[19])
    except (OSError, ValueError, IndexError):
        return None


def _exists(pid: int) -> bool:
    if sys.platform == "win32":
        return _exists_on_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OverflowError:
        return False
    except PermissionError:  # another user's
        return True
    return True


if sys.platform == "win32":

    def _exists_on_windows(pid: int) -> bool:
        # os.kill would end the process, or interrupt a whole group of them, there.
        import ctypes

        query, still_active = 0x1000, 259
        kernel = ctypes.windll.kernel32
        if not (handle := kernel.OpenProcess(query, False, pid)):
            return False
        code = ctypes.c_ulong()
        kernel.GetExitCodeProcess(handle, ctypes.byref(code))
        kernel.CloseHandle(handle)
        return code.value == still_active
