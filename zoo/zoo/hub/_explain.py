"""One line for each fault: what failed, and what to type."""

import os
import re

from zoo_registry import ZooError

from ..errors import HubError, NotOnHub
from ._client import Fault
from ._place import Place, host

_TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
"""Variables of which the first that is set comes before a stored token."""
_SHORTENED = re.compile("[0-9a-f]{7,39}")
_LINES = {
    "no_token": "there is no token for {host}: {login}",
    "bad_token": "{host} does not know the token. Make a new one there; {login}",
    "odd_token": "the token has characters that no token has; {login}",
    "no_right": "the token has no right to {doing} {place} on {host} ({text}). Give it that right "
    "there, or take another: {login}",
    "no_owner": "{repo} can't be made on {host} ({text}). Check the name before the slash, and "
    "HF_ENDPOINT",
    "gated": "{place} asks its readers to accept its conditions. Do so on {host}, then again",
    "no_repository": "there is no {repo} on {host}, or it is private and no token of yours opens "
    "it. Check the name; {login}",
    "no_branch": "{revision} is no branch of {repo} on {host}, and a commit is made on a branch. "
    "Give another --revision",
    "no_revision": "{repo} has no branch, tag or commit {revision} on {host}. Without @{revision}, "
    "{repo} means its default branch",
    "short_commit": "{repo} has no branch or tag {revision} on {host}, and a commit is written "
    "with all of its 40 digits",
    "no_hub": "HF_ENDPOINT is {text}, which is no hub's address. Write http://HOST or "
    "https://HOST, with :PORT where it has one, or unset it",
    "no_file": "{place} on {host} lacks a file that it lists ({text}). Try again",
    "offline": "{text} is set: nothing is asked of {host}. Unset it to {doing} {place}",
    "unreachable": "{host} can't be reached ({text}). Check the network and HF_ENDPOINT, then try "
    "again",
    "stalled": "{host} took the connection and says nothing. Try again later",
    "cut": "the connection to {host} was cut ({text}). Try again",
    "busy": "{host} is too busy, or takes no more from you for now ({text}). Try again later",
    "gateway": "what stands before {host} got no answer from it ({text}). Try again later",
    "garbled": "{host} answers as no hub does. Check HF_ENDPOINT, and whether the network "
    "wants a login first",
    "server": "{host} has a fault of its own ({text}). Try again later",
    "conflict": "somebody else has changed {place} meanwhile. Look at it, then push again",
    "late": "the time is over ({seconds:g} s). Try again, or with a longer --timeout",
    "disk": "the disk is full. Free some space, or set ZOO_HOME to a folder on another disk",
    "altered": "a file is not what the run stored ({text}). Copy the run again from where it is "
    "whole",
    "refused": "{host} refuses: {text}",
    "bug": "the hub's client failed ({text}). Check HF_ENDPOINT, and that huggingface-hub is "
    "1.3 or newer",
}
_ASKED_WRONGLY = ("no_repository", "no_revision", "short_commit")


def explain(
    fault: Fault, place: Place, doing: str, seconds: float = 0.0, start: str = ""
) -> ZooError:
    """Return the error that says what a fault means.

    Args:
        fault: what came.
        place: of what was asked.
        doing: `push` or `pull`.
        seconds: that it might take.
        start: what the line begins with.
    """
    kind = fault.kind
    if kind == "no_revision" and doing == "push":
        kind = "no_branch"
    elif kind == "no_revision" and _SHORTENED.fullmatch(place.revision):
        kind = "short_commit"
    line = _LINES.get(kind, _LINES["bug"]).format(
        host=host(),
        place=place,
        repo=place.repo,
        revision=place.revision,
        doing={"push": "write to", "pull": "read"}[doing],
        seconds=seconds,
        login=_login(),
        text=fault.text,
    )
    error = NotOnHub if kind in _ASKED_WRONGLY and doing == "pull" else HubError
    return error(f"{start}{line}.")


def _login() -> str:
    """Say how to have another token: one that a variable holds comes before a stored one."""
    for name in _TOKENS:
        if os.environ.get(name, "").strip():
            return f"{name} is set, and is used: change it, or unset it and `hf auth login`"
    return "`hf auth login` stores one, or set HF_TOKEN"
