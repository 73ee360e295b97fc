"""A training that is killed again and again must come out like one that never is."""

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from .._files import write_text
from ..checkpoints import checkpoints
from ..errors import ZooError
from ..home import data_dir
from ._proof import EXACT, Proof
from ._trainee import STARTED

_SECONDS = 2.0
"""A training shorter than that is given more epochs: a kill needs something to hit."""
_MOST_EPOCHS = 100
_LONGEST = 600.0
"""Seconds that one process may take."""
_SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGKILL, signal.SIGTERM)
"""One of these at random: a machine that fails, or one that asks for its cores back."""

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
        seconds = trainee.calibrate()
        expected = trainee.digests("whole")
        moments = random.Random(seed)  # noqa: S311 - moments are no secrets
        done, differing, round_ = 0, set[str](), 0
        while done < kills:
            round_ += 1
            name = f"killed-{round_}"
            note(f"kill {done + 1} of {kills} …")
            done += trainee.disturbed(name, seconds, moments, kills - done)
            found = trainee.digests(name)
            differing |= {file for file in expected if found.get(file) != expected[file]}
    yield Proof(
        name=f"{done} kills at random, each resumed: the same bytes as never stopped",
        tolerance=EXACT,
        difference=float(len(differing)),
        setting=f"zoo resume ({', '.join(sorted(differing))} differ)" if differing else "",
    )


class _Trainee:
    """Processes that train one subject, each in a home of their own."""

    def __init__(self, home: Path, settings: Mapping[str, Any], root: Path) -> None:
        self._home = home
        self._facts = {"settings": dict(settings), "root": str(root)}
        self._epochs = 2

    def calibrate(self) -> float:
        """Train the run `whole`, long enough to be hit; return its seconds after the start."""
        while True:
            process = self._start("whole", resumed=False)
            started = time.monotonic()
            self._end(process, allowed=(0,))
            seconds = time.monotonic() - started
            if seconds >= _SECONDS or self._epochs >= _MOST_EPOCHS:
                return seconds
            self._epochs = min(_MOST_EPOCHS, int(self._epochs * 1.5 * _SECONDS / seconds) + 1)
            shutil.rmtree(self._home / "runs" / "whole")

    def disturbed(self, name: str, seconds: float, moments: random.Random, most: int) -> int:
        """Train a run that is killed now and then; return how often it was."""
        killed, resumed = 0, False
        while True:
            process = self._start(name, resumed=resumed)
            if killed < most:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(moments.uniform(0, seconds))
                if process.poll() is None:
                    process.send_signal(moments.choice(_SIGNALS))
                    killed += 1
            code = self._end(process, allowed=(0, 75, -signal.SIGKILL, -signal.SIGTERM))
            if code == 0:
                return killed
            resumed = True

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

    def _start(self, name: str, *, resumed: bool) -> "subprocess.Popen[str]":
        """Start a process; return once it takes steps, or has ended."""
        changes = {"epochs": self._epochs, "checkpoint_steps": 3, "parallel": "none", "ranks": 1}
        facts = {**self._facts, "changes": changes, "name": name, "resumed": resumed}
        file = self._home / "facts.json"
        write_text(file, json.dumps(facts))
        process = subprocess.Popen(  # noqa: S603 - this very program
            [sys.executable, "-m", "zoo.verify._trainee", str(file)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "ZOO_HOME": str(self._home)},
        )
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(STARTED):
                break
        return process

    def _end(self, process: "subprocess.Popen[str]", allowed: tuple[int, ...]) -> int:
        """Wait for the end of a process.

        Raises:
            ZooError: it failed by itself.
        """
        try:
            _, complaint = process.communicate(timeout=_LONGEST)
        finally:
            process.kill()
        if process.returncode not in allowed:
            last = complaint.strip().splitlines()[-1:] or ["nothing was said"]
            raise ZooError(f"the training ended with {process.returncode}: {last[0]}")
        return process.returncode
