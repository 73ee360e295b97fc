"""Several ranks train what one process would, whatever the shares, and end together."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

import zoo
import zoo_registry
from zoo.checkpoints import MODEL, checkpoints
from zoo.errors import UsageError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="ranks need gloo and signals")


def net():
    """A model with a batch norm, whose statistics are those of the whole batch on every rank."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))


def data(count=35):
    """A ragged number of samples: the last batch leaves some rank with less, or with none."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, count)
    samples = (rng.normal(size=(count, 3)) + 2 * np.eye(3)[labels]).astype(np.float32)
    test = zoo.ArrayDataset(samples[:11], labels[:11])
    return zoo_registry.Splits(train=zoo.ArrayDataset(samples, labels), test=test)


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


def test_an_error_of_the_ranks_is_that_of_one_process():
    """With its text and its class; no run is left."""
    with pytest.raises(UsageError, match="the loss can't take"):
        train(net(), loss=nn.CrossEntropyLoss(weight=torch.ones(7)), parallel="ddp", ranks=2)
    assert zoo.list_runs() == []


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
    process.send_signal(number)
    _, said = process.communicate(timeout=120)
    assert process.returncode == code, said
    assert "stopped by" in said
    (run,) = zoo.list_runs()
    assert run.state == "stopped"
    assert (checkpoints(run.path)[0] / MODEL).exists()
    deadline = time.monotonic() + 20
    while ranks_alive(process.pid) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not ranks_alive(process.pid)


def ranks_alive(parent):
    """Whether a process of ours still names the ended one as its parent or session."""
    done = subprocess.run(
        ["ps", "-A", "-o", "ppid=,sess="], check=True, capture_output=True, text=True
    )
    return any(str(parent) in line.split() for line in done.stdout.splitlines())
