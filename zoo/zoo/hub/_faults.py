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
    "JSONDecodeError": "garbled",
    "DecodingError": "garbled",
    "TooManyRedirects": "garbled",
    "UnicodeEncodeError": "odd_token",
    "ConnectError": "unreachable",
    "ConnectTimeout": "unreachable",
    "ProxyError": "unreachable",
    "UnsupportedProtocol": "unreachable",
    "InvalidURL": "unreachable",
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
    502: "gateway",
    504: "gateway",
}

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def fault_of(error: BaseException) -> dict[str, Any]:
    """Return the `kind` of an error, its `text`, and the `status` of an answer that it came of.

    Kinds are: offline, gated, no_revision, no_repository, no_file, refused, garbled, odd_token,
    unreachable, stalled, cut, bad_token, no_right, busy, conflict, server, gateway, disk, altered,
    and bug for all else.
    """
    chain = list(_chain(error))
    behind = next((found for found in chain if _kind(found)), error)
    kind = _kind(behind) or ("refused" if isinstance(error, ValueError) else "bug")
    return {"kind": kind, "text": _text(behind), "status": _status(behind)}


def _text(error: BaseException) -> str:
    status = _status(error)
    if status is None:
        return f"{type(error).__name__}: {error}"
    said = getattr(error, "server_message", None)
    return f"HTTP {status}: {said}" if said else f"HTTP {status}"


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
    if "Illegal header value" in str(error):  # the one that is nobody's but the user's
        return "odd_token"
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
