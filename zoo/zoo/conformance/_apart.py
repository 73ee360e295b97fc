"""Checks in a process of their own: one that hangs or ends its process is a row, no more."""

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from typing import IO, Any

from zoo_registry import ZooError

from ._check import FAILED, Check, Outcome, one_line

_START = 120.0
"""Seconds that a process may take to import all and say that it begins."""
_OFFLINE = {"ZOO_OFFLINE": "1", "HF_HUB_OFFLINE": "1"}
"""Checks use what is on the machine: an option may stand for a gigabyte of weights."""


def run_apart(
    checks: Sequence[Check], arguments: Sequence[str], *, limit: float
) -> Iterator[Outcome]:
    """Run checks one after another in a process that plans the same ones; yield as they end.

    A check that ends its process, or takes longer than `limit`, has failed; those behind it are
    run in a new process.

    Args:
        checks: as `plan_checks` gives them.
        arguments: of the process that plans them again: see `_child`.
        limit: seconds for one check.

    Raises:
        ZooError: not even the process could begin.
    """
    done = 0
    while done < len(checks):
        with _Child([*arguments, str(done)]) as child:
            for outcome in child.outcomes(limit):
                yield outcome
                done += 1
                if done == len(checks):
                    return


class _Child:
    """A process that runs checks from one on, and tells of them line by line."""

    def __init__(self, arguments: Sequence[str]) -> None:
        # What plugins print goes here: the last line may say why the process ended.
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __exit__
        self._process = subprocess.Popen(  # noqa: S603 - Python itself, with names as its arguments
            # -P: what is importable is what is importable here, and no folder besides.
            [sys.executable, "-P", "-m", f"{__package__}._child", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env={**os.environ, **_OFFLINE, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        self._lines: queue.Queue[bytes] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> "_Child":
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._said.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(b"")

    def outcomes(self, limit: float) -> Iterator[Outcome]:
        """Yield the outcome of each check; the last one failed where it did not come to its end.

        Raises:
            ZooError: the process could not begin.
        """
        begun = self._next(_START)
        if isinstance(begun, Outcome):
            raise ZooError(f"no check could be run: the process for them {begun.detail}")
        while isinstance(told := self._next(limit), dict):
            yield Outcome(**told)
        yield told

    def _next(self, limit: float) -> dict[str, Any] | Outcome:
        """Wait for a line; return what it says, or the failure that stands for its absence."""
        try:
            line = self._lines.get(timeout=limit)
        except queue.Empty:
            return Outcome(FAILED, f"did not end within {limit:g} s", limit)
        if line:
            told: dict[str, Any] = json.loads(line)
            return told
        code = self._process.wait()
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return Outcome(FAILED, one_line(f"ended its process ({how}) {self._last_words()}"))

    def _last_words(self) -> str:
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""
