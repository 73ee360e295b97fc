"""What names a repository: USER/REPO, and behind an @ a branch, a tag or a commit."""

import os
import re
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from zoo_registry import InvalidOption

from .._weight_files import HUB
from ..home import offline

SIGN = HUB
"""What begins the name of a model on a hub wherever a run or a file is accepted."""
DEFAULT = "main"
"""The branch that is meant where none is named."""

_PART = r"(?!.*(?:--|\.\.))[A-Za-z0-9_][A-Za-z0-9._-]{0,95}(?<![.-])"
_REPO = re.compile(f"{_PART}/{_PART}")
_REVISION = re.compile(r"(?!.*(?:\.\.|//|@\{))[A-Za-z0-9_][A-Za-z0-9._/-]{0,99}(?<![./])")
"""Short enough to be a file's name, in which a slash takes three characters."""
_COMMIT = re.compile(r"[0-9a-f]{40}")
_ENDPOINT = "HF_ENDPOINT"
_TRUE = {"1", "ON", "YES", "TRUE"}


class Place(NamedTuple):
    """A repository, at a branch, a tag or a commit."""

    repo: str
    """`user/name`."""
    revision: str = DEFAULT

    def __str__(self) -> str:
        return self.repo if self.revision == DEFAULT else f"{self.repo}@{self.revision}"

    @property
    def is_pinned(self) -> bool:
        """Whether it names a commit, which never comes to mean another."""
        return is_commit(self.revision)


def parse_place(text: str) -> Place:
    """Read `USER/REPO[@REVISION]`, with or without `hf:` before it.

    Raises:
        InvalidOption: it is none; the text says what one looks like.
    """
    repo, at, revision = text.removeprefix(SIGN).partition("@")
    place = Place(repo, revision if at else DEFAULT)
    if not _REPO.fullmatch(place.repo) or not _REVISION.fullmatch(place.revision):
        raise InvalidOption(
            f"{text[:200]!r} is no repository; write USER/REPO, or USER/REPO@REVISION: a branch, "
            "a tag or a commit"
        )
    return place


def place_to_push(repo: str, revision: str = DEFAULT) -> Place:
    """Return where a push goes.

    Raises:
        InvalidOption: no repository, or no branch, can be called that.
    """
    if "@" in repo:
        raise InvalidOption(f"{repo[:200]!r}: a branch to push to is given as --revision")
    place = parse_place(repo)
    if not _REVISION.fullmatch(revision):
        raise InvalidOption(f"{revision[:200]!r} is no name for a branch")
    return place._replace(revision=revision)


def is_commit(revision: str) -> bool:
    """Say whether a revision is a whole commit's name."""
    return _COMMIT.fullmatch(revision) is not None


def host() -> str:
    """Return what to call the hub in messages: its host, where another than usual is set."""
    return _endpoint()[0] or "the hub"


def hub_key() -> str:
    """Return what tells this hub from others, as a folder's name; empty for the usual one.

    A repository of the same name on another hub is another repository.
    """
    key = "".join(_endpoint())
    return f"@{quote(key, safe='')}" if key else ""


def no_endpoint() -> str:
    """Return what HF_ENDPOINT holds where that is no address; empty where one could be asked.

    A password in it is left out.
    """
    text = os.environ.get(_ENDPOINT)
    if text is None:
        return ""
    try:
        address = urlsplit(text)
        if address.scheme in ("http", "https") and address.hostname and address.port != 0:
            return ""
    except ValueError:  # brackets that do not fit, or a port that there is not
        pass
    return repr(re.sub(r"[^/\s]*@", "", text)[:200])


def _endpoint() -> tuple[str, str]:
    """Return host and path of a hub other than the usual one, without a password in them."""
    try:
        address = urlsplit(os.environ.get(_ENDPOINT, ""))
    except ValueError:  # brackets that do not fit: nobody can be asked there
        return "", "?"
    return address.netloc.rpartition("@")[2].lower(), address.path.rstrip("/")


def is_offline() -> str:
    """Return the variable that forbids the network; empty where it may be tried."""
    if offline():
        return "ZOO_OFFLINE"
    names = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
    return next((name for name in names if os.environ.get(name, "").upper() in _TRUE), "")
