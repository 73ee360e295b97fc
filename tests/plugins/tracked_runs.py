"""Trainings for the tests of trackers, in processes of their own: their libraries stay out of this.

They register import hooks, threads and exit handlers, which no test may leave behind.
"""

import os
import subprocess
import sys
import textwrap

TRAIN = """
import json, os, shutil, signal, sys
from pathlib import Path

import zoo
import zoo.errors
from zoo.reporting import Silent


class StopAfter(Silent):
    def __init__(self, epoch):
        self.epoch = epoch

    def epoch_ended(self, row):
        if row.epoch == self.epoch:
            signal.raise_signal(signal.SIGINT)


def train(**settings):
    settings = {"progress": False, "device": "cpu", "epochs": 3, **settings}
    return zoo.train("mlp", "digits", **settings)


def stopped(**settings):
    try:
        train(progress=StopAfter(1), **settings)
    except zoo.ZooError as error:
        assert "zoo resume" in str(error), error
    return zoo.list_runs()[0]
"""
"""What a script begins with: `train` and `stopped`, which trains one epoch of three."""


def run(folder, *parts, **environment):
    """Run a script, given in parts, in a folder; return what it printed."""
    file = folder / "script.py"
    file.write_text("\n".join(map(textwrap.dedent, (TRAIN, *parts))), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(file)],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def expected(run):
    """The points of each curve that a run's history makes."""
    curves = {}
    for row in run.history:
        for name, value in row.items():
            split, rest = ("train", name[6:]) if name.startswith("train_") else ("test", name)
            if name not in ("epoch", "step"):
                key = name if name == "lr" else f"{split}/{rest}"
                curves.setdefault(key, []).append((row["epoch"], value))
    for row in run.times:
        for name in ("seconds", "samples_per_second"):
            curves.setdefault(name, []).append((row["epoch"], row[name]))
    return curves
