"""The process that speaks with a hub: `python -m zoo.hub._child`, a JSON request a line.

It has the client's library for itself, with settings of its own; it can be ended at any moment,
which no thread can, and then does nothing more: what is said of the outcome stays true.
"""

import json
import logging
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

from .._told import own_stdout
from ._secret import cleaned


def main() -> None:
    """Answer requests until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started this process decides
    tell = own_stdout()
    requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(requests,), daemon=True).start()
    # Imported here: that the one who asks has died is noticed meanwhile.
    from huggingface_hub import get_token

    from ._calls import CALLS
    from ._faults import fault_of
    from ._session import install

    def clean(text: str) -> str:
        return cleaned(text, get_token())

    logging.getLogger("huggingface_hub").addHandler(_Notes(tell, clean))
    install(tell)
    tell({"event": "ready"})
    while True:
        request = json.loads(requests.get())
        try:
            result = CALLS[request["call"]](tell, **request["arguments"])
        except Exception as error:  # noqa: BLE001 - whatever it is, the one who asked says it
            fault = fault_of(error)
            tell({"fault": {**fault, "text": clean(fault["text"])}})
        else:
            tell({"result": result})


def _read(requests: "queue.SimpleQueue[bytes]") -> None:
    """Pass requests on; where no more can come, end at once: nothing is done for nobody."""
    for line in sys.stdin.buffer:
        requests.put(line)
    os._exit(0)


class _Notes(logging.Handler):
    """Tells what the library logs: that it waits and tries again."""

    def __init__(self, tell: Any, clean: Callable[[str], str]) -> None:
        super().__init__(logging.WARNING)
        self._tell, self._clean = tell, clean

    def emit(self, record: logging.LogRecord) -> None:
        self._tell({"event": "note", "text": self._clean(record.getMessage())})


if __name__ == "__main__":
    main()
