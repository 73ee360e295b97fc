"""A training that is killed again and again must come out like one that never is."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from .._files import write_text
from ..checkpoints import checkpoints
from ..errors import ZooError
from ..home import data_dir
from ._proof import EXACT, Proof

_CHANGES = {"epochs": 3, "checkpoint_steps": 3, "parallel": "none", "ranks": 1}
"""To the settings that are tried: a training that is short, and checkpoints within its epochs."""
_LONGEST = 600.0
"""Seconds that one process may take."""
_AT_ONCE = 4
"""Kills of one training, at most; then it is let go to its end."""

Note = Callable[[str], None]


def prove_resume(
    settings: Mapping[str, Any], root: Path | None, note: Note, *, kills: int, seed: int = 0
) -> Iterator[Proof]:
    """Train once undisturbed; then with kills at random moments, resumed after each; compare.

    Args:
        settings: as `make_plans` takes them.
        root: the folder handed to datasets.
        note: told what is being tried.
        kills: how many there are in all; a training takes a few of them.
        seed: of the moments.

    Yields:
        A proof that weights, metrics and the last checkpoint have the same bytes.

    Raises:
        ZooError: a process failed otherwise than by the kill.
    """
    with tempfile.TemporaryDirectory(prefix="zoo-verify-") as home:
        trainee = _Trainee(Path(home), settings, root or data_dir())
        note("a training that is never stopped …")
        trainee.train("whole", None, resumed=False)
        expected = trainee.digests("whole")
        moments = random.Random(seed)  # noqa: S311 - moments are no secrets
        done, runs, differing = 0, 0, set[str]()
        while done < kills:
            name, runs = f"killed-{runs + 1}", runs + 1
            note(f"kill {done + 1} of {kills} …")
            done += trainee.disturbed(name, moments, min(_AT_ONCE, kills - done))
            found = trainee.digests(name)
            differing |= {file for file in expected if found.get(file) != expected[file]}
    yield Proof(
        name=f"{done} kills at random, each resumed: the same bytes as never stopped",
        tolerance=EXACT,
        difference=float(len(differing)),
        setting=f"zoo resume ({', '.join(sorted(differing))} differ)" if differing else "",
    )


class _Trainee:
    """Processes that train one subject, in a home of their own."""

    def __init__(self, home: Path, settings: Mapping[str, Any], root: Path) -> None:
        self._home = home
        self._facts = {"settings": dict(settings), "root": str(root), "changes": _CHANGES}

    def disturbed(self, name: str, moments: random.Random, most: int) -> int:
        """Train a run that is killed a few times, then let go; return how often it was."""
        killed = 0
        resumed = False
        while killed < most:
            if self.train(name, moments.randrange(2**32), resumed=resumed) == 0:
                return killed  # the end came too late
            killed, resumed = killed + 1, True
        self.train(name, None, resumed=True)
        return killed

    def train(self, name: str, seed: int | None, *, resumed: bool) -> int:
        """Train in a process; return its exit code.

        Raises:
            ZooError: it failed by itself.
        """
        file = self._home / "facts.json"
        write_text(
            file, json.dumps({**self._facts, "name": name, "resumed": resumed, "seed": seed})
        )
        done = subprocess.run(  # noqa: S603 - this very program
            [sys.executable, "-m", "zoo.verify._trainee", str(file)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env={**os.environ, "ZOO_HOME": str(self._home)},
            timeout=_LONGEST,
        )
        meant = (0,) if seed is None else (0, 75, -signal.SIGKILL, -signal.SIGTERM)
        if done.returncode not in meant:
            last = done.stderr.strip().splitlines()[-1:] or ["nothing was said"]
            raise ZooError(f"the training ended with {done.returncode}: {last[0]}")
        return done.returncode

    def digests(self, name: str) -> dict[str, str]:
        """Return the digests of what a run stored."""
        run = self._home / "runs" / name
        files = [run / file for file in ("model.safetensors", "model.pth", "metrics.jsonl")]
        newest = checkpoints(run)[0]
        files += [file for file in newest.iterdir() if file.name != "manifest.json"]
        return {
            file.relative_to(run).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in files
        }
