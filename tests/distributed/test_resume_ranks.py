"""Ranks that die go on where they were, to the bytes of ranks that did not."""

import hashlib
import importlib
import sys

import pytest
import torch
from ragged import data
from safetensors.torch import load_file

import zoo
from zoo._ranked import train_on_ranks
from zoo.checkpoints import checkpoints
from zoo.parallel import RankFailed

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="ranks need gloo and signals")

NET = """
import os
import signal
from pathlib import Path

import torch
from torch import nn


class Mortal(nn.Module):
    '''Dies once, as rank 1, at a step of its training; a file says that it has.'''

    def __init__(self, step=-1, mark=""):
        super().__init__()
        torch.manual_seed(0)
        parts = [nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(0.2), nn.Linear(8, 3)]
        self.layers = nn.Sequential(*parts)
        self.step, self.mark, self.calls = step, mark, 0

    def forward(self, samples):
        self.calls += self.training
        rank = os.environ.get("RANK")
        if rank == "1" and self.calls == self.step and not os.path.exists(self.mark):
            Path(self.mark).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return self.layers(samples)
"""


@pytest.fixture
def mortal(write_package):
    return importlib.import_module(write_package(NET)).Mortal


def train(model, name, **settings):
    settings = {"epochs": 3, "batch_size": 8, "ema": 0.5, "checkpoint_steps": 2, **settings}
    return zoo.train(model, data(), name=name, device="cpu", progress=False, **settings)


def stored(run):
    files = [run.weights, run.path / "metrics.jsonl", *sorted(checkpoints(run.path)[0].iterdir())]
    return {
        file.name + str(number): hashlib.sha256(file.read_bytes()).hexdigest()
        for number, file in enumerate(files)
        if file.name != "manifest.json"
    }


@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_a_killed_rank_costs_no_exactness(mortal, tmp_path, parallel):
    """Weights, averages, optimizer and random states of both ranks: the same bytes."""
    expected = stored(train(mortal(), "whole", parallel=parallel, ranks=2))
    with pytest.raises(RankFailed, match="rank 1"):
        train(mortal(8, str(tmp_path / "died")), "killed", parallel=parallel, ranks=2)
    run = zoo.resume("killed", model=mortal(), dataset=data(), progress=False)
    assert stored(run) == expected
    assert run.recipe["ranks"] == 2


def test_another_number_of_ranks_goes_on_with_the_same_batches(mortal, tmp_path):
    """Then rounding differs, and dropout; where there is none, all is close."""
    model = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.Tanh(), torch.nn.Linear(8, 3))
    expected = train(model, "whole", parallel="ddp", ranks=2)
    with pytest.raises(RankFailed):
        train(mortal(8, str(tmp_path / "died")), "other", parallel="ddp", ranks=2)
    stopped = zoo.resume("other", model=mortal(), dataset=data(), progress=False, ranks=3)
    alone = zoo.list_runs()[0]
    assert stopped.state == "done"
    assert [row["step"] for row in stopped.history] == [row["step"] for row in expected.history]
    assert alone.history[0]["train_loss"] == stopped.history[0]["train_loss"]


def test_ranks_that_are_started_again_go_on(mortal, tmp_path):
    """`--max-restarts`: one run, which goes on from its newest checkpoint, to the same bytes."""
    whole = train(mortal(), "whole", parallel="ddp", ranks=2)
    settings = {
        "model": whole.recipe["model"], "dataset": whole.recipe["dataset"], "device": "cpu",
        "epochs": 3,
        "batch_size": 8, "ema": 0.5, "checkpoint_steps": 2, "parallel": "ddp",
    }  # fmt: skip
    objects = {"model": mortal(8, str(tmp_path / "died")), "dataset": data()}
    run = train_on_ranks(settings, objects, None, "killed", show="silent", ranks=2, max_restarts=1)
    assert (tmp_path / "died").exists()
    assert stored(run) == stored(whole)
    assert len(zoo.list_runs()) == 2
    assert [stretch["state"] for stretch in run.record["stretches"]] == ["failed"]


def test_weights_of_a_sharded_checkpoint_are_portable(mortal):
    """Gathered whole, under the bare names, as any other's."""
    run = train(mortal(), "sharded", parallel="fsdp", ranks=2)
    found = load_file(checkpoints(run.path)[0] / "model.safetensors")
    assert {name: value.shape for name, value in found.items()} == {
        name: value.shape for name, value in mortal().state_dict().items()
    }
