"""Each command of benchmarks/ runs, in its smallest setting, and prints what it promises."""

import functools
import json
import math
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import pytest
from side_by_side import machine, versions

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
COMMANDS = [
    "checkpoint_pause",
    "folder_epochs",
    "hub",
    "list_plugins",
    "list_runs",
    "loop_overhead",
    "memory",
    "mnist_epoch",
    "mnist_to_99",
    "weights",
]
PEERS = {
    "Lightning": "lightning",
    "transformers Trainer": "transformers",
    "Accelerate": "accelerate",
    "Ignite": "pytorch-ignite",
}


def run(name, *arguments):
    """A command as a person runs it, on one thread: what is measured is no matter here."""
    return subprocess.run(
        [sys.executable, str(BENCHMARKS / f"{name}.py"), *arguments],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"},
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


class Trial(NamedTuple):
    """What came of a command's quick trial."""

    report: dict
    """The JSON it printed, as it was kept."""
    markdown: str
    said: str
    """Meanwhile, on stderr."""


@functools.cache
def trial(name):
    """Try a command as `run_all.py` does."""
    with tempfile.TemporaryDirectory() as folder:
        done = run("run_all", name, "--quick", "--out", f"{folder}/results")
        assert done.returncode == 0, done.stderr
        kept = Path(folder, "results", f"{name}.json").read_text(encoding="utf-8")
    return Trial(json.loads(kept), done.stdout, done.stderr)


@pytest.fixture(params=COMMANDS)
def report(request):
    """The JSON of each command's trial."""
    if request.param == "memory":
        pytest.importorskip("resource")
    return trial(request.param).report


def test_it_says_on_what_it_measured(report):
    """A figure without its machine and versions is worth nothing a month later."""
    assert report["quick"] is True
    assert report["rounds"] == 1
    assert report["machine"]["cores"] >= report["machine"]["threads"] == 1
    assert report["machine"]["platform"]
    assert report["versions"]["torch"] == versions(["torch"])["torch"]
    assert report["versions"]["zoo-registry"]


def test_every_side_has_the_figures_of_every_round(report):
    """Raw figures and their medians, all of them numbers above 0."""
    assert len(report["sides"]) >= 2
    for side in report["sides"].values():
        (only,) = side["rounds"]
        assert only == side["median"]
        assert all(math.isfinite(value) and value > 0 for value in only.values())


def test_every_comparison_has_its_goal_and_what_came_out(report):
    """A ratio, and whether it reaches the goal, of sides and of a figure that there are."""
    assert report["comparisons"]
    for row in report["comparisons"]:
        assert ("at_least" in row) != ("at_most" in row)
        assert row["ours"] in report["sides"]
        assert row["figure"] in report["sides"][row["ours"]]["median"]
        if not set(row["theirs"]) & set(report["sides"]):
            assert (row["value"], row["reached"], row["against"]) == (None, None, None)
            continue
        assert row["against"] in report["sides"]
        assert row["value"] > 0
        assert isinstance(row["reached"], bool)


def test_a_peer_takes_part_where_it_is_installed():
    """Else it is left out, and a line says so: the others are measured all the same."""
    report, _, said = trial("mnist_epoch")
    assert {"bare loop", "zoo", "plain loop"} <= set(report["sides"])
    for name, distribution in PEERS.items():
        installed = versions([distribution])[distribution] is not None
        assert (name in report["sides"]) == installed
        assert (name in report["left_out"]) != installed
        assert (f"without {name}: " in said) != installed


def test_both_ways_to_99_percent_get_there():
    """Easy images are learned by both; else their times would not be times to 99%."""
    sides = trial("mnist_to_99").report["sides"]
    assert {side["median"]["accuracy"] >= 0.99 for side in sides.values()} == {True}


@pytest.mark.parametrize("name", ["folder_epochs", "mnist_epoch", "mnist_to_99"])
def test_without_data_it_says_what_to_give(name):
    """What was asked is wrong: exit code 2, and the flag's name."""
    done = run(name)
    assert done.returncode == 2
    assert "--data DIR" in done.stderr


@pytest.mark.skipif(machine()["gpu"] is not None, reason="there is a CUDA device")
def test_without_a_gpu_its_benchmark_says_so(tmp_path):
    """Exit code 2, before anything is measured."""
    done = run("gpu", "--data", str(tmp_path))
    assert done.returncode == 2
    assert "needs a CUDA device" in done.stderr


def test_what_was_measured_can_be_pasted_into_the_readme():
    """Markdown: goals and what came out, then the medians of all sides."""
    report, markdown, _ = trial("loop_overhead")
    assert f"| {report['comparisons'][0]['what']} | ≥ 0.95 |" in markdown
    assert "| loop_overhead | zoo, fused Adam | samples/s |" in markdown


def test_a_command_prints_a_table_to_a_person():
    """Without `--json`: the same figures in columns."""
    done = run("loop_overhead", "--quick")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("loop_overhead, 1 round\n")
    assert re.search(r"^zoo, fused Adam +samples/s +\d", done.stdout, re.MULTILINE)


def test_a_command_that_fails_is_told_of_and_fails_the_whole(tmp_path):
    """Exit code 1; a table with a gap would be taken for all there is."""
    done = run("run_all", "mnist_epoch", "--out", str(tmp_path))
    assert done.returncode == 1
    assert "mnist_epoch ended with 2" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_no_command_is_refused(tmp_path):
    """With those there are."""
    done = run("run_all", "mnist_epochs", "--out", str(tmp_path))
    assert done.returncode == 2
    assert all(name in done.stderr for name in COMMANDS)
