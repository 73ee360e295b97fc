"""Sealed JSON: an object that carries a digest of its own text, so that no damage goes unnoticed.

The first key is `sha256`: the digest of the whole text, with 64 zeros in place of the digest. Any
JSON reader reads it; whoever changes a byte of it, on purpose or not, breaks the seal.
"""

import json
from collections.abc import Mapping
from typing import Any

from ._json import to_json

KEY = "sha256"
"""The key of the digest, which no sealed object can have for itself."""

_ZEROS = b"0" * 64
_START = f'{{\n  "{KEY}": "'.encode()


def seal(value: Mapping[str, Any]) -> str:
    """Write an object as JSON with its digest in it; `unseal` returns the object.

    Raises:
        ValueError: it has a key `sha256` already.
    """
    if KEY in value:
        raise ValueError(f"{KEY!r} is the seal's own key")
    text = to_json({KEY: _ZEROS.decode(), **value}, indent=2) + "\n"
    digest = _sha256(text.encode())
    return text.replace(_ZEROS.decode(), digest, 1)


def unseal(text: str | bytes) -> dict[str, Any]:
    """Return the object that was sealed, without its digest.

    Args:
        text: of a file, as bytes where it comes from one: reading text may change line ends.

    Raises:
        ValueError: it has no digest, or is not what was sealed to the last bit.
    """
    data = text.encode() if isinstance(text, str) else text
    digest, rest = data[len(_START) :][:64], data[len(_START) + 64 :]
    if not data.startswith(_START) or len(digest) < 64:
        raise ValueError("it does not begin with its own digest, as whatever zoo writes does")
    found = _sha256(_START + _ZEROS + rest)
    # Letters are compared, not the number: a flipped bit that makes a capital is damage, too.
    if found.encode() != digest:
        raise ValueError("its bytes have changed since it was written")
    return _parsed(data)


def _sha256(data: bytes) -> str:
    import hashlib  # here, for OpenSSL takes its time, and most lists of runs read no file

    return hashlib.sha256(data).hexdigest()


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        value: dict[str, Any] = json.loads(data, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    del value[KEY]
    return value


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
