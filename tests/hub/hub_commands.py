"""The command line as a user of hubs types it, in this process; what it leaves on this machine."""

import io
import json
import os
import sys
import warnings
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import pytest

from zoo.cli import main

REPO = "ada/digits"


class Said(NamedTuple):
    """What a command printed."""

    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


def zoo(*arguments, code=0):
    """Run the command line in this process, which must end with `code`."""
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(sys, "argv", ["zoo", *map(str, arguments)]),
        warnings.catch_warnings(),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        warnings.simplefilter("default")
        with pytest.raises(SystemExit) as end:
            main()
    assert end.value.code == code, (out.getvalue(), err.getvalue())
    return Said(out.getvalue(), err.getvalue())


def ours(hub):
    """How many commits pushes have made."""
    return len(hub.repos[REPO].history()) - 1 if REPO in hub.repos else 0


def copies():
    """The commits on this machine, and anything else that is where they are kept."""
    folder = Path(os.environ["ZOO_HOME"]) / "hub"
    kept = [path.relative_to(folder) for path in folder.rglob("*")]
    of_hubs = [path.parts for path in kept if path.parts[0].startswith("@")]
    commits = ["/".join(parts[1:]) for parts in of_hubs if len(parts) == 3]
    return sorted(commits + [path.as_posix() for path in kept if path.name.startswith(".")])
