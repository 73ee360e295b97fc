"""Fresh processes: what one side imports, allocates or sets reaches no other."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ._side import Figures


class SideFailed(Exception):
    """A side's process failed; the text is the end of its output."""


_HERE = Path(__file__).resolve().parents[1]
_SHOWN = 30
"""Lines of a failed process's output that are passed on."""


def in_child(call: str, /, **settings: Any) -> Callable[[int], Figures]:
    """Return a measurement that calls a function in a process of its own.

    Args:
        call: `"module:function"`, importable from `benchmarks/`; it returns figures.
        settings: its keyword arguments, as JSON has them.

    Raises:
        SideFailed: by the measurement: the function failed.
    """

    def measure(_round: int) -> Figures:
        with tempfile.TemporaryDirectory(prefix="zoo-benchmark-") as folder:
            result = Path(folder) / "result.json"
            command = (sys.executable, "-m", "side_by_side", call, json.dumps(settings), result)
            run(command, Path(folder))
            figures: Figures = json.loads(result.read_text(encoding="utf-8"))
        return figures

    return measure


def timed(
    command: Callable[[int], Sequence[str]], read: Callable[[str], Figures]
) -> Callable[[int], Figures]:
    """Return a measurement of a whole process, from its start to its end, in `seconds`.

    Args:
        command: what to run in a round.
        read: finds further figures in what it printed.

    Raises:
        SideFailed: by the measurement: the process failed.
    """

    def measure(number: int) -> Figures:
        with tempfile.TemporaryDirectory(prefix="zoo-benchmark-") as folder:
            started = time.perf_counter()
            printed = run(command(number), Path(folder))
            seconds = time.perf_counter() - started
        return {"seconds": seconds, **read(printed)}

    return measure


def run(command: Sequence[str | Path], folder: Path) -> str:
    """Run a command in `folder`, which is also zoo's home; return what it printed.

    Raises:
        SideFailed: it failed.
    """
    done = subprocess.run(
        command,
        cwd=folder,
        env=_environment(os.environ, folder),
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        output = (done.stdout + done.stderr).splitlines()[-_SHOWN:]
        said = f"{' '.join(map(str, command[1:5]))} … ended with {done.returncode}:"
        raise SideFailed("\n".join([said, *output]))
    return done.stdout


def _environment(given: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Make a side reach this folder's modules, write where it is told to, and fetch nothing."""
    path = os.pathsep.join([str(_HERE), *filter(None, [given.get("PYTHONPATH")])])
    return {
        **given,
        "PYTHONPATH": path,
        "ZOO_HOME": str(folder / "zoo"),
        "ZOO_OFFLINE": "1",
        "HF_HUB_OFFLINE": "1",
        # The terminal that __main__ pretends to be.
        "TERM": "xterm-256color",
        "COLUMNS": "100",
    }
