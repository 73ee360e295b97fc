"""Texts that a stranger's file holds, as a terminal may be given them."""

import re

_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters but for tab and newline, those that turn the direction of writing, and what
is no character at all."""


def printable(text: str) -> str:
    r"""Write out what would steer a terminal, or what it can't be given: `\x1b`."""
    return _STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
