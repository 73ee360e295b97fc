"""A process that speaks with a hub, asked from here, and ended when it takes too long."""

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import IO, Any, Self

from ._deadline import Deadline
from ._place import is_offline
from ._progress import Progress

_SETTINGS = {
    # Its upload repeats a commit blindly where the answer was lost, and has no way back to plain
    # HTTP where a hub lacks it. Plain HTTP has neither fault, and every hub speaks it.
    "HF_HUB_DISABLE_XET": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_UPDATE_CHECK": "1",
    "HF_DEBUG": "0",
}
TRANSPORT = ("server", "busy", "cut", "unreachable", "stalled")
"""Kinds of faults that may be gone a moment later."""
_WAITS = (0.5, 1.5)
"""Seconds before a call that changes nothing, or nothing twice, is made again."""
ASKING = 20.0
"""Seconds that a question may stay without an answer."""
SENDING = 90.0
"""Seconds in which no byte is sent and nothing is answered; the process itself gives up before."""


class Fault(Exception):
    """Something went wrong between here and a hub; `_explain` puts it in words."""

    def __init__(self, kind: str, text: str = "", *, sent: bool = False) -> None:
        super().__init__(text)
        self.kind, self.text, self.sent = kind, text, sent
        """As `fault_of` tells it, or late: the time is over; whether a commit was under way."""


class Hub:
    """A hub, as one push or pull sees it."""

    def __init__(self, deadline: Deadline, progress: Progress) -> None:
        self.deadline, self.progress = deadline, progress
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._reader: threading.Thread | None = None
        self._ready = False
        self.committing = False
        """Whether a commit is under way: it may be made, whoever stops waiting for it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def ask(self, call: str, *, poll: Callable[[], int] | None = None, **arguments: Any) -> Any:
        """Make a call that may be made twice; where the fault may pass, it is.

        Args:
            call: as `call` takes it.
            poll: likewise.
            arguments: likewise.

        Raises:
            Fault: it came to nothing.
        """
        for wait in (*_WAITS, None):
            try:
                return self.call(call, quiet=ASKING, poll=poll, **arguments)
            except Fault as fault:
                if fault.kind not in TRANSPORT or wait is None or wait > self.deadline.left():
                    raise
                time.sleep(wait)
        raise AssertionError("the last round returns or raises")

    def call(
        self, call: str, *, quiet: float, poll: Callable[[], int] | None = None, **arguments: Any
    ) -> Any:
        """Make one call.

        Args:
            call: a name in `_calls.CALLS`.
            quiet: seconds in which nothing may happen.
            poll: how many bytes have come, where that is seen from here.
            arguments: of the call.

        Raises:
            Fault: what it came to instead of a result; no more is done then.
        """
        if variable := is_offline():
            raise Fault("offline", variable)
        request = json.dumps({"call": call, "arguments": arguments}).encode() + b"\n"
        self._send(request)
        self.committing = False
        try:
            answer = self._answer(quiet, poll)
        except Fault as fault:
            fault.sent = self.committing
            raise
        except BaseException:
            self.close()
            raise
        self.committing = False
        return answer

    def close(self) -> None:
        """End the process, whatever it is at."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        if self._reader is not None:
            self._reader.join()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()

    def _send(self, request: bytes) -> None:
        self.start()
        if not self._ready:
            self._wait_until_ready()
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(request)
            self._process.stdin.flush()
        except OSError:
            pass  # that it has ended is told where the answer is waited for

    def start(self) -> None:
        """Start the process, which takes a moment to be ready; not where nobody may be asked."""
        if self._process is not None or is_offline():
            return
        self._ready = False
        self._process = subprocess.Popen(  # noqa: S603 - Python itself
            # -P: what is importable is what is importable here, and no folder besides.
            [sys.executable, "-P", "-m", f"{__package__}._child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # libraries may print there what is nobody's business
            env={**os.environ, **_SETTINGS, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        self._lines = queue.SimpleQueue()
        assert self._process.stdout is not None
        reader = threading.Thread(
            target=_pass_on, args=(self._process.stdout, self._lines), daemon=True
        )
        self._reader = reader
        reader.start()

    def _wait_until_ready(self) -> None:
        """Wait for the process: the hub's own time begins then.

        Raises:
            Fault: it took all the time there was, or ended.
        """
        try:
            ready = self._lines.get(timeout=self.deadline.left())
        except queue.Empty:
            self.close()
            raise Fault("late") from None
        except BaseException:
            self.close()
            raise
        if not ready:
            self.close()
            raise Fault("bug", "the process that speaks with the hub could not start")
        self._ready = True

    def _answer(self, quiet: float, poll: Callable[[], int] | None) -> Any:
        moved, seen = time.monotonic(), 0
        while True:
            left = self.deadline.left()
            idle = quiet - (time.monotonic() - moved)
            if left <= 0 or idle <= 0:
                self.close()
                raise Fault("late" if left <= 0 else "stalled", f"nothing came for {quiet:g} s")
            try:
                line = self._lines.get(timeout=min(left, idle, 0.2 if poll else 3600.0))
            except queue.Empty:
                if poll and (count := poll()) != seen:
                    moved, seen = time.monotonic(), count
                    self.progress.show(count)
                continue
            if not line:
                self.close()
                raise Fault("bug", "the process that speaks with the hub has ended")
            message = json.loads(line)
            moved = time.monotonic()
            if "result" in message:
                return message["result"]
            if "fault" in message:
                raise Fault(message["fault"]["kind"], message["fault"]["text"])
            self._event(message)

    def _event(self, message: dict[str, Any]) -> None:
        if message["event"] == "committing":
            self.committing = True
        elif message["event"] == "bytes":
            self.progress.show(message["bytes"])
        else:
            self.progress.note(message["text"])


def _pass_on(stream: IO[bytes], lines: "queue.SimpleQueue[bytes]") -> None:
    for line in stream:
        lines.put(line)
    lines.put(b"")
