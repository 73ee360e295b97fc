"""Texts of a hub without the token, however written, and with nothing that steers a terminal."""

import re
from base64 import b64decode
from binascii import Error
from itertools import product
from urllib.parse import unquote

from .._printable import printable

_LONGEST_READ = 20_000
_LONGEST_TOLD = 300
"""Characters."""
_QUERY = re.compile(r"(https?://[^\s?]+)\?\S*")
"""Addresses of a storage carry what gives access to it behind their question mark."""
_USER = re.compile(r"(https?://)[^\s/@]+@")
_RUN = re.compile(r"[A-Za-z0-9+/_-]{16,}")
"""What may be base64, or hexadecimal digits."""
_BETWEEN = r"(?:\\[xu][0-9A-Fa-f]{2,4}|\\[nrt]|[^A-Za-z0-9])*"
"""What may stand between two characters of a token that is split, or written with escapes."""
_INSTEAD = "(token)"
_SHORTEST = 8
"""Letters of a token; fewer are found in any text."""


def cleaned(text: str, token: str | None) -> str:
    """Return a hub's text as one line that may be shown."""
    text = _USER.sub(r"\1", _QUERY.sub(r"\1", text[:_LONGEST_READ]))
    letters = [letter for letter in token or "" if letter.isascii() and letter.isalnum()]
    if token and len(letters) < _SHORTEST:
        text = text.replace(token, _INSTEAD)
    elif token:
        hidden = re.compile(_BETWEEN.join(letters))
        text = hidden.sub(_INSTEAD, unquote(text) if "%" in text else text)
        text = _RUN.sub(lambda run: _INSTEAD if _holds(run[0], hidden) else run[0], text)
    return printable(" ".join(text.split()))[:_LONGEST_TOLD]


def _holds(run: str, hidden: re.Pattern[str]) -> bool:
    """Say whether letters and digits are a text that holds the token."""
    return any(hidden.search(text) for text in _read(run))


def _read(run: str) -> list[str]:
    """Return what a run of letters and digits may be, read from each place where it may begin."""
    found = []
    for start, kind in product(range(4), ("base64", "hexadecimal")):
        part = run[start:].translate(str.maketrans("-_", "+/"))
        try:
            if kind == "base64":
                data = b64decode(part[: len(part) // 4 * 4])
            else:
                data = bytes.fromhex(part[: len(part) // 2 * 2])
        except (Error, ValueError):
            continue
        found.append(data.decode("latin-1"))
    return found
