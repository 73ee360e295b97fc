"""What the library's requests are given: a limit, and someone who is told. In `_child` alone."""

import re
from collections.abc import Callable
from typing import Any

import huggingface_hub

Tell = Callable[[dict[str, Any]], None]

_CONNECT_SECONDS = 10.0
_SILENT_SECONDS = 60.0
"""How long a hub may say nothing to a small request: the library alone would wait for ever."""
_UNDER_WAY = 5_000_000
"""Bytes that the system may hold when the last one was written; a slow link takes its time."""
_SLOWEST = 20_000
"""Bytes a second of a link that is still waited for."""
_READ_THERE = 50_000_000
"""Bytes a second of a hub that reads a large file once more before it answers."""
_USED_UP = re.compile(r";\s*r=0\s*;\s*t=([0-9]+)")
"""What the header `RateLimit` says where nothing is left: `"api";r=0;t=55`, t seconds."""
_COMMIT = re.compile("/api/models/[^/]+/[^/]+/commit/")
"""Where one is sent; a repository, or a part of a branch's name, may be called so as well."""


def patience(size: int, largest: int) -> float:
    """Return the seconds in which nothing may come.

    Args:
        size: of the request's body, in bytes.
        largest: of all bodies so far: what is asked next may be what became of that one.
    """
    return _SILENT_SECONDS + min(size, _UNDER_WAY) / _SLOWEST + largest / _READ_THERE


def install(tell: Tell) -> None:
    """Give each request a limit, and tell of it, and of what a hub asks to wait.

    That a commit is sent is told, too: before that, none can be made.
    """
    own = huggingface_hub.get_session()
    kind, hooks = type(own), own.event_hooks
    timeout = type(own.timeout)(_SILENT_SECONDS, connect=_CONNECT_SECONDS)
    largest = 0

    def on_request(request: Any) -> None:
        nonlocal largest
        limits = request.extensions["timeout"]
        if request.method in ("POST", "PUT"):
            size = int(request.headers.get("Content-Length", 0))
            largest = max(largest, size)
            seconds = patience(size, largest)
            request.extensions["timeout"] = {**limits, "read": seconds, "write": seconds}
        else:
            seconds = max(limits["read"] or 0.0, limits["connect"] or 0.0)
        tell({"event": "request", "seconds": seconds})
        if request.method == "POST" and _COMMIT.search(request.url.path):
            tell({"event": "committing"})

    def on_response(response: Any) -> None:
        if seconds := asked_to_wait(response):
            tell({"event": "wait", "seconds": seconds, "status": response.status_code})

    def factory() -> Any:
        return kind(
            event_hooks={
                "request": [*hooks["request"], on_request],
                "response": [*hooks["response"], on_response],
            },
            follow_redirects=True,
            timeout=timeout,
        )

    huggingface_hub.set_client_factory(factory)


def asked_to_wait(response: Any) -> int:
    """Return the seconds that a hub wants to be left alone; 0 where it says nothing of it."""
    if response.status_code < 400:
        return 0
    used_up = _USED_UP.search(response.headers.get("RateLimit", ""))
    after = used_up[1] if used_up else response.headers.get("Retry-After", "")
    return int(after) if re.fullmatch("[0-9]{1,9}", after) else 0
