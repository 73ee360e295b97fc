"""Several ranks train what one process would, whatever the shares, and end together."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from importlib import import_module

import pytest
import torch
from ragged import data
from safetensors.torch import load_file
from torch import nn

import zoo
from zoo.checkpoints import MODEL, checkpoints
from zoo.errors import UsageError
from zoo.parallel import RankFailed
from zoo.reporting import Silent

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="ranks need gloo and signals")


def net():
    """A model with a batch norm, whose statistics are those of the whole batch on every rank."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))


def train(model, **settings):
    settings = {"epochs": 2, "batch_size": 8, "optimizer": "sgd", "lr": 0.1, **settings}
    return zoo.train(model, data(), device="cpu", progress=False, **settings)


@pytest.mark.parametrize(
    ("parallel", "ranks", "more"),
    [
        ("ddp", 2, {"set": {"loss.weight": [1.0, 2.0, 5.0]}, "ema": 0.5, "clip_norm": 0.5}),
        ("ddp", 3, {}),
        ("fsdp", 2, {}),
    ],
)
def test_ranks_train_to_the_weights_of_one_process(parallel, ranks, more):
    """Shares of 4 and of 2 and of 1, and none at all; weights, metrics, names and record."""
    alone, shared = net(), net()
    one = train(alone, **more)
    many = train(shared, parallel=parallel, ranks=ranks, **more)
    stored = load_file(many.weights)
    for name, value in load_file(one.weights).items():
        torch.testing.assert_close(stored[name], value, rtol=1e-4, atol=1e-5)
    for name, value in alone.state_dict().items():
        torch.testing.assert_close(shared.state_dict()[name], value, rtol=1e-4, atol=1e-5)
    assert (many.recipe["parallel"], many.recipe["ranks"]) == (parallel, ranks)
    assert [row["step"] for row in many.history] == [5, 10]
    for row, expected in zip(many.history, one.history, strict=True):
        assert row["accuracy"] == expected["accuracy"]
        assert row["train_loss"] == pytest.approx(expected["train_loss"], rel=1e-4)
        assert row["loss"] == pytest.approx(expected["loss"], rel=1e-4)


@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_parts_on_ranks_are_still_the_batch(parallel):
    """Accumulation on each of the ranks, also where one has fewer samples than there are parts."""

    def plain():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 3))

    alone, shared = plain(), plain()
    train(alone)
    train(shared, accumulate=3, parallel=parallel, ranks=2)
    for one, other in zip(alone.parameters(), shared.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_parts_of_a_batch_norm_on_ranks_do_not_wait_for_each_other():
    """Every rank computes as many parts as the others, though some are empty."""
    assert train(net(), accumulate=3, parallel="ddp", ranks=2).state == "done"


def dry(*arguments, code=0):
    """What `zoo train --dry-run` answers, on a net and data of its own."""
    command = ["-m", "zoo", "train", "mlp", "--dataset", "digits", "--device", "cpu", "--dry-run"]
    done = subprocess.run(
        [sys.executable, *command, "--json", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout) if code == 0 else done.stderr


@pytest.mark.parametrize("parallel", ["auto", "fsdp"])
def test_a_dry_run_prints_the_recipe_that_ranks_would_do(parallel):
    """Way of running, ranks, parts and kernels included; one process is enough to tell."""
    more = ["--parallel", parallel, "--ranks", "2", "--set", "accumulate=3", "--epochs", "1"]
    found = dry(*more)
    run = zoo.train(
        "mlp",
        "digits",
        parallel=parallel,
        ranks=2,
        accumulate=3,
        epochs=1,
        device="cpu",
        progress=False,
    )
    assert found["recipe"] == run.recipe
    assert (run.recipe["parallel"], run.recipe["ranks"]) == (parallel.replace("auto", "ddp"), 2)


def test_a_dry_run_estimates_the_memory_of_a_rank():
    """Which computes on its share of the batch; without a number, there is a rank for each GPU."""
    shared = dry("--parallel", "ddp", "--ranks", "4", "--batch-size", "64")
    alone = dry("--parallel", "ddp", "--batch-size", "16")
    assert shared["memory_bytes"] == dry("--batch-size", "16")["memory_bytes"]
    assert alone["recipe"]["parallel"] == "ddp"
    assert alone["recipe"]["ranks"] == max(1, torch.cuda.device_count())


def test_a_dry_run_refuses_what_ranks_would():
    """A batch must have a sample for each of them."""
    assert "--batch-size 4 or more" in dry("--ranks", "4", "--batch-size", "3", code=2)


@pytest.mark.parametrize(
    ("parallel", "more", "text"),
    [
        ("ddp", {"loss": nn.CrossEntropyLoss(weight=torch.ones(7))}, "^the loss can't take"),
        ("ddp", {"model": nn.Linear(5, 3)}, r"^Linear can't take samples of shape \(3,\): "),
        ("fsdp", {"model": nn.Linear(5, 3)}, r"^Linear can't take samples of shape \(3,\): "),
    ],
)
def test_an_error_of_the_ranks_is_that_of_one_process(parallel, more, text):
    """With its text and its class; no run is left."""
    with pytest.raises(UsageError, match=text):
        train(**{"model": net(), **more}, parallel=parallel, ranks=2)
    assert zoo.list_runs() == []


MORTAL = '''
    import os
    import signal
    from pathlib import Path

    from torch import nn

    class Mortal(nn.Module):
        """Rank 1 dies in its second epoch, once for each mark that is no file yet."""

        def __init__(self, *marks):
            super().__init__()
            self.layer, self.marks, self.calls = nn.Linear(3, 3), marks, 0

        def forward(self, samples):
            self.calls += self.training
            left = [mark for mark in self.marks if not os.path.exists(mark)]
            if left and self.calls > 6 and os.environ.get("RANK") == "1":
                Path(left[0]).touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return self.layer(samples)
'''


class Notes(Silent):
    """A reporter of one's own."""


def test_python_forgives_deaths_as_the_command_line_does(write_package, tmp_path, capfd):
    """`max_restarts` of a training and of one that goes on; each new start is said."""
    mortal = import_module(write_package(MORTAL)).Mortal
    marks = [str(tmp_path / name) for name in "abc"]
    how = {"parallel": "ddp", "ranks": 2, "epochs": 3}
    assert train(mortal(marks[0]), name="one", max_restarts=1, **how).state == "done"
    with pytest.raises(RankFailed):
        train(mortal(marks[1]), name="two", **how)
    assert "starting again" not in capfd.readouterr().err
    again = {"model": mortal(*marks), "dataset": data()}
    with pytest.raises(UsageError, match="progress: .* Notes"):
        zoo.resume("two", **again, progress=Notes())
    run = zoo.resume("two", **again, max_restarts=1)
    assert (run.state, len(run.history)) == ("done", 3)
    assert "starting again (0 more after that)" in capfd.readouterr().err


def test_a_reporter_of_ones_own_is_refused():
    """Ranks could tell a copy of it only, which nobody looks at."""
    with pytest.raises(UsageError, match="progress: .* Notes"):
        zoo.train(net(), data(), parallel="ddp", ranks=2, progress=Notes())
    assert zoo.list_runs() == []


LOUD = """
    from zoo_registry import ModelSpec, hookimpl

    @hookimpl
    def zoo_models():
        return [ModelSpec(name="loud", build="loud_nets:Loud", summary="prints")]
"""
LOUD_NET = """
    import os

    from torch import nn

    print("imported")

    class Loud(nn.Module):
        def __init__(self, in_features: int, num_classes: int):
            super().__init__()
            self.layer = nn.Linear(in_features, num_classes)

        def forward(self, samples):
            print("called by", os.environ["RANK"])
            return self.layer(samples.flatten(1))
"""


def test_json_stays_json_where_a_model_prints_on_ranks(tmp_path):
    """What it has to say goes to stderr, of every rank."""
    info = tmp_path / "loud-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: loud\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[zoo]\nloud = loud_plugin\n")
    (tmp_path / "loud_plugin.py").write_text(textwrap.dedent(LOUD))
    (tmp_path / "loud_nets.py").write_text(textwrap.dedent(LOUD_NET))
    command = ["-m", "zoo", "train", "loud", "--dataset", "digits", "--device", "cpu", "--json"]
    done = subprocess.run(
        [sys.executable, *command, "--epochs", "1", "--ranks", "2"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row.get("state") for row in rows] == [None, "done"]
    assert {f"called by {rank}" for rank in (0, 1)} <= set(done.stderr.splitlines())


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 75)])
def test_a_signal_ends_all_ranks_after_the_same_step(number, code):
    """Exit code, stored weights, and nobody left behind."""
    command = ["-m", "zoo", "train", "mlp", "--dataset", "digits", "--epochs", "100000", "--json"]
    process = subprocess.Popen(
        [sys.executable, *command, "--parallel", "ddp", "--ranks", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        start_new_session=True,
    )
    assert json.loads(process.stdout.readline())["epoch"] == 1
    ranks = children(process.pid)  # known by their parent only as long as it lives
    assert len(ranks) >= 2
    process.send_signal(number)
    _, said = process.communicate(timeout=120)
    assert process.returncode == code, said
    assert "stopped by" in said
    (run,) = zoo.list_runs()
    assert run.state == "stopped"
    assert (checkpoints(run.path)[0] / MODEL).exists()
    deadline = time.monotonic() + 20
    while alive(ranks) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert alive(ranks) == set()


def children(parent):
    """The ids of the processes that a process has started."""
    return {pid for pid, (by, _) in processes().items() if by == parent}


def alive(ids):
    """Those of the processes that are still at work; one that only waits to be reaped is not."""
    return {pid for pid, (_, state) in processes().items() if pid in ids and state[0] != "Z"}


def processes():
    """Parent and state of every process, by its id."""
    done = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,stat="], check=True, capture_output=True, text=True
    )
    rows = (line.split() for line in done.stdout.splitlines())
    return {int(pid): (int(parent), state) for pid, parent, state in rows}
