"""One line for each fault: what failed, and what to type."""

from zoo_registry import ZooError

from ..errors import HubError, NotOnHub
from ._client import Fault
from ._place import Place, host

_LOGIN = "`hf auth login` stores one, or set HF_TOKEN"
_LINES = {
    "no_token": "there is no token for {host}: " + _LOGIN,
    "bad_token": "{host} does not know the token. Make a new one there; " + _LOGIN,
    "odd_token": "the token has characters that no token has. " + _LOGIN,
    "no_right": "the token has no right to {doing} {place} on {host} ({text}). Give it that right "
    "there, or log in with another: `hf auth login`",
    "no_owner": "{repo} can't be made on {host} ({text}). Check the name before the slash, and "
    "HF_ENDPOINT",
    "gated": "{place} asks its readers to accept its conditions. Do so on {host}, then again",
    "no_repository": "there is no {repo} on {host}, or it is private and no token of yours opens "
    "it. Check the name; " + _LOGIN,
    "no_branch": "{revision} is no branch of {repo} on {host}, and a commit is made on a branch. "
    "Give another --revision",
    "no_revision": "{repo} has no branch, tag or commit {revision} on {host}. Without @{revision}, "
    "{repo} means its default branch",
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
    "late": "the time is over: {seconds:g} s. Try again, or with a longer --timeout",
    "disk": "the disk is full. Free some space, or set ZOO_HOME to a folder on another disk",
    "altered": "a file is not what the run stored ({text}). Copy the run again from where it is "
    "whole",
    "refused": "{host} refuses: {text}",
    "bug": "the hub's client failed ({text}). Check HF_ENDPOINT, and that huggingface-hub is "
    "1.3 or newer",
}
_ASKED_WRONGLY = ("no_repository", "no_revision")


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
    kind = "no_branch" if (fault.kind, doing) == ("no_revision", "push") else fault.kind
    line = _LINES.get(kind, _LINES["bug"]).format(
        host=host(),
        place=place,
        repo=place.repo,
        revision=place.revision,
        doing={"push": "write to", "pull": "read"}[doing],
        seconds=seconds,
        text=fault.text,
    )
    error = NotOnHub if kind in _ASKED_WRONGLY and doing == "pull" else HubError
    return error(f"{start}{line}.")
