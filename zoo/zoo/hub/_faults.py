"""What went wrong between the client and the hub, told apart: its errors have no common base.

Nothing is asked of a library's classes but their names: the client's HTTP library is another in
each of its major versions.
"""

import errno
from collections.abc import Iterator
from typing import Any

_BY_CLASS = {
    "AlteredFile": "altered",
    "OfflineModeIsEnabled": "offline",
    "GatedRepoError": "gated",
    "RevisionNotFoundError": "no_revision",
    "RepositoryNotFoundError": "no_repository",
    "RemoteEntryNotFoundError": "no_file",
    "HFValidationError": "refused",
    "ConnectError": "unreachable",
    "ConnectTimeout": "unreachable",
    "TimeoutException": "stalled",
    "NetworkError": "cut",
    "ProtocolError": "cut",
    "ConnectionError": "cut",
}
"""Of any class that an error is an instance of; the first that fits is meant."""

_BY_STATUS = {
    401: "bad_token",
    403: "no_right",
    404: "no_repository",
    408: "busy",
    409: "conflict",
    412: "conflict",
    429: "busy",
}

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def fault_of(error: BaseException) -> dict[str, Any]:
    """Return the `kind` of an error and its `text`, a line.

    Kinds are: offline, gated, no_revision, no_repository, no_file, refused, unreachable, stalled,
    cut, bad_token, no_right, busy, conflict, server, disk, altered, and bug for all else.
    """
    chain = list(_chain(error))
    kind = next((kind for e in chain if (kind := _kind(e))), "")
    if not kind:
        kind = "refused" if isinstance(error, ValueError) else "bug"
    if kind in ("server", "busy"):
        status = next((found for e in chain if (found := _status(e)) is not None), "?")
        return {"kind": kind, "text": f"HTTP {status}"}
    lines = str(error).strip().splitlines() or [""]
    text = " ".join(line.strip() for line in lines if line.strip())[:300]
    return {"kind": kind, "text": f"{type(error).__name__}: {text}"}


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what it came of: of LFS the client raises a RuntimeError around it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _kind(error: BaseException) -> str:
    if isinstance(error, OSError) and error.errno in _NO_SPACE:
        return "disk"
    names = [kind.__name__ for kind in type(error).__mro__]
    known = next((_BY_CLASS[name] for name in names if name in _BY_CLASS), "")
    if known:
        return known
    if isinstance(error, OSError) and "Consistency check failed" in str(error):
        return "cut"  # fewer bytes came than were announced
    status = _status(error)
    if status is None:
        return ""
    return _BY_STATUS.get(status) or ("server" if status >= 500 else "refused")


def _status(error: BaseException) -> int | None:
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) else None
