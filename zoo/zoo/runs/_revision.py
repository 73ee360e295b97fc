"""The version of the user's own code: the commit that is checked out where zoo was started."""

import os
import subprocess
from typing import Any

_PATIENCE = 2.0
"""Seconds that git may take for an answer; a repository can be of any size."""

_COMMAND = ("git", "-c", "core.fsmonitor=false", "--no-optional-locks")
"""Starts no daemon for the repository, and writes nothing into it."""


def code_revision() -> dict[str, Any] | None:
    """Return the commit of the current folder's git repository, and whether files differ from it.

    Returns:
        `commit`, its full hash, and `dirty`: whether tracked files were changed since, None where
        git took too long to tell. None where there is no repository, no commit or no git.
    """
    commit = _ask("rev-parse", "--verify", "HEAD")
    if commit is None:
        return None
    changes = _ask("status", "--porcelain", "--untracked-files=no")
    return {"commit": commit.strip(), "dirty": None if changes is None else bool(changes.strip())}


def _ask(*arguments: str) -> str | None:
    """Return git's answer; None where there is none in time."""
    # A hook of git's, in which zoo may run, names its own repository in the environment.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    try:
        done = subprocess.run(  # noqa: S603 - fixed words, no shell
            [*_COMMAND, *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace") if done.returncode == 0 else None
