"""A process that speaks with a hub, asked from here, and ended when it takes too long."""

import json
import math
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import IO, Any, Self

from .._files import reason
from ._deadline import Deadline
from ._place import is_offline, no_endpoint
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
TRANSPORT = ("server", "gateway", "busy", "cut", "unreachable", "stalled")
"""Kinds of faults that may be gone a moment later."""
_WAITS = (0.5, 1.5)
"""Seconds before a call that changes nothing, or nothing twice, is made again."""
ASKING = 20.0
"""Seconds that a question may stay without an answer."""
_MORE = 30.0
"""Seconds beyond those in which the process itself gives up a request."""
_START_SECONDS = 60.0
"""For the process to be ready, when the time that was given is over."""
_HELD = 408, 409, 412, 429
"""Of HTTP 4xx, those that do not say that a request was refused as it is."""


class Fault(Exception):
    """Something went wrong between here and a hub; `_explain` puts it in words."""

    def __init__(self, kind: str, text: str = "", status: int | None = None) -> None:
        super().__init__(text)
        self.kind, self.text, self.status = kind, text, status
        """As `fault_of` tells it, or late: the time is over."""
        self.sent = False
        """Whether a commit was under way."""

    @property
    def is_answer(self) -> bool:
        """Whether the hub itself said it, and has no more to do with what it was asked."""
        return self.status is not None and self.kind != "gateway"

    @property
    def is_open(self) -> bool:
        """Whether a commit was sent that was not refused: it may be made, or come to be."""
        refused = self.status is not None and 400 <= self.status < 500 and self.status not in _HELD
        return self.sent and not refused


class Hub:
    """A hub, as one push or pull sees it."""

    def __init__(self, deadline: Deadline, progress: Progress) -> None:
        self.deadline, self.progress = deadline, progress
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._reader: threading.Thread | None = None
        self._ready = False
        self._quiet = 0.0
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
        self,
        call: str,
        *,
        quiet: float | None = None,
        poll: Callable[[], int] | None = None,
        **arguments: Any,
    ) -> Any:
        """Make one call.

        Args:
            call: a name in `_calls.CALLS`.
            quiet: seconds in which nothing may happen; None: of a hub, as long as each of its
                requests may take; here, as long as there is time.
            poll: how many bytes have come, where that is seen from here.
            arguments: of the call.

        Raises:
            Fault: what it came to instead of a result; no more is done then.
        """
        if variable := is_offline():
            raise Fault("offline", variable)
        if address := no_endpoint():
            raise Fault("no_hub", address)
        request = json.dumps({"call": call, "arguments": arguments}).encode() + b"\n"
        self._send(request)
        self.committing = False
        try:
            answer = self._answer(quiet, poll)
        except Fault as fault:
            # Without a connection there was nothing to send it over.
            fault.sent = self.committing = self.committing and fault.kind != "unreachable"
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
        while not self._lines.empty():  # what was told, and not yet heard
            self.committing |= b'"committing"' in self._lines.get()

    def _send(self, request: bytes) -> None:
        self.start()
        if not self._ready:
            self._wait_until_ready(self.deadline.left())
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
        try:
            self._process = subprocess.Popen(  # noqa: S603 - Python itself
                # -P: what is importable is what is importable here, and no folder besides.
                [sys.executable, "-P", "-m", f"{__package__}._child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # libraries may print there what is nobody's business
                env={**os.environ, **_SETTINGS, "PYTHONPATH": os.pathsep.join(sys.path)},
            )
        except OSError as error:
            raise Fault("bug", f"no process could be started: {reason(error)}") from error
        self._lines = queue.SimpleQueue()
        assert self._process.stdout is not None
        reader = threading.Thread(
            target=_pass_on, args=(self._process.stdout, self._lines), daemon=True
        )
        self._reader = reader
        reader.start()

    def renew(self, seconds: float) -> None:
        """Leave so many seconds at least to find out what has come of what was sent.

        Raises:
            Fault: the process could not be made ready.
        """
        self.start()
        if not self._ready:
            self._wait_until_ready(_START_SECONDS)
        self.deadline.grant(seconds)

    def _wait_until_ready(self, seconds: float) -> None:
        """Wait for the process: the hub's own time begins then.

        Raises:
            Fault: it took all the time there was, or ended.
        """
        try:
            ready = self._lines.get(timeout=seconds)
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

    def _answer(self, quiet: float | None, poll: Callable[[], int] | None) -> Any:
        moved, seen = time.monotonic(), 0
        self._quiet = math.inf if quiet is None else quiet
        while True:
            left = self.deadline.left()
            idle = self._quiet - (time.monotonic() - moved)
            if left <= 0 or idle <= 0:
                self.close()
                raise Fault(
                    "late" if left <= 0 else "stalled", f"nothing came for {self._quiet:g} s"
                )
            try:
                line = self._lines.get(timeout=min(left, idle, 0.2 if poll else 1.0))
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
                raise Fault(**message["fault"])
            self._event(message, limited=quiet is not None)

    def _event(self, message: dict[str, Any], *, limited: bool) -> None:
        event = message["event"]
        if event == "committing":
            self.committing = True
        elif event == "bytes":
            self.progress.show(message["bytes"])
        elif event == "note":
            self.progress.note(message["text"])
        elif event == "request" and not limited:
            self._quiet = message["seconds"] + _MORE
        elif event == "wait":
            self._wait(message["seconds"], message["status"])

    def _wait(self, seconds: int, status: int) -> None:
        """Let the process wait as a hub asks for, unless there is no time for it."""
        if seconds > self.deadline.left():
            self.close()
            raise Fault("busy", f"HTTP {status}, to be asked again in {seconds:,} s", status)
        self._quiet = max(self._quiet, seconds + _MORE)


def _pass_on(stream: IO[bytes], lines: "queue.SimpleQueue[bytes]") -> None:
    for line in stream:
        lines.put(line)
    lines.put(b"")
