"""The machine and the process behind a run."""

import functools
import os
import sys
from pathlib import Path
from typing import Any

from .._cores import usable_cores


def machine_facts() -> dict[str, Any]:
    """Describe this machine as far as it bears on a training, without naming it or its user."""
    import platform

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
    return {"pid": os.getpid(), "started": _started(os.getpid()), "host": host()}


def is_dead(process: dict[str, Any]) -> bool:
    """Say whether a process as `this_process` describes it is known to have ended.

    Of other machines nothing is known. Where the system tells when a process started, a number
    that has been given to another process since is recognized.
    """
    pid = process.get("pid")
    if process.get("host") != host() or not isinstance(pid, int):
        return False
    if not exists(pid):
        return True
    started = _started(pid)
    return started is not None and started != process.get("started", started)


def is_elsewhere(process: dict[str, Any]) -> bool:
    """Say whether a process belongs to another machine, of which nothing is known here."""
    return process.get("host") != host()


@functools.cache
def host() -> str:
    """Return this machine's digest: 12 hexadecimal digits of its name and its installation.

    The name alone would not do: many machines that share a folder may be called localhost.
    """
    import hashlib  # both here: a list of runs that have ended needs none of them
    import platform

    try:
        installation = Path("/etc/machine-id").read_bytes()
    except OSError:
        installation = b""
    return hashlib.sha256(platform.node().encode() + installation).hexdigest()[:12]


def exists(pid: int) -> bool:
    """Say whether this machine has a process of that number that has not ended."""
    if sys.platform == "win32":
        return _exists_on_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OverflowError:
        return False
    except PermissionError:  # another user's
        pass
    # One that has ended keeps its number until its parent asks, which some never do.
    return _fields(pid)[:1] not in (["Z"], ["X"])


def _started(pid: int) -> int | None:
    """Return when a process started, in the kernel's ticks since boot; None where unknown."""
    try:
        return int(_fields(pid)[19])
    except (ValueError, IndexError):
        return None


def _fields(pid: int) -> list[str]:
    """Return what Linux tells of a process, from its state on; nothing on other systems."""
    try:
        # proc(5): the third field and on; the second, in parentheses, may contain spaces itself.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return []


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
