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
from zoo.runs import find_run

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


RECORDER = """
import os
import signal
from pathlib import Path

import torch
from torch import nn


class Recorder(nn.Module):
    '''Writes down which samples it is given in training, in a file of each rank.

    Args:
        folder: of the files.
        ends_at: rank 1, or the only one, dies at this call of its training.
    '''

    def __init__(self, folder, ends_at=-1):
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 3))
        self.folder, self.ends_at, self.calls = folder, ends_at, 0

    def forward(self, samples):
        if self.training:
            self.calls += 1
            rank = os.environ.get("RANK", "0")
            if self.calls == self.ends_at and rank in ("1", os.environ.get("WORLD_SIZE", "0")):
                os.kill(os.getpid(), signal.SIGKILL)
            with Path(self.folder, rank).open("a") as file:
                file.write(" ".join(f"{value:.6f}" for value in samples[:, 0].tolist()) + "\\n")
        return self.layers(samples)
"""


def batches(folder, ranks):
    """The samples of each step, those of all ranks together, in the order of the steps.

    What comes before them, when the model is tried on a sample or two, is left out.
    """
    shares = [(folder / str(rank)).read_text().splitlines() for rank in range(ranks)]
    every = [" ".join(share).split() for share in zip(*shares, strict=False)]
    return [batch for batch in every if len(batch) == 8]


@pytest.mark.parametrize("others", [1, 3])
def test_another_number_of_ranks_goes_on_with_the_same_batches(write_package, tmp_path, others):
    """The same samples in each step, in the same order; the weights differ by rounding alone."""
    recorder = importlib.import_module(write_package(RECORDER)).Recorder
    folders = [tmp_path / name for name in ("whole", "before", "after")]
    for folder in folders:
        folder.mkdir()
    whole, before, after = folders
    settings = {"epochs": 3, "batch_size": 8, "checkpoint_steps": 2, "parallel": "ddp", "ranks": 2}
    how = {"device": "cpu", "progress": False}
    given = data(32)  # in whole batches: a rank without a sample is fed a stand-in
    expected = zoo.train(recorder(str(whole)), given, name="whole", **settings, **how)
    with pytest.raises(RankFailed):
        zoo.train(recorder(str(before), 8), given, name="other", **settings, **how)
    step = int(checkpoints(find_run("other").path)[0].name[5:13])
    assert 0 < step < 8
    how = {"ranks": others, "parallel": "ddp" if others > 1 else "none"}
    run = zoo.resume("other", model=recorder(str(after)), dataset=given, progress=False, **how)
    assert len(batches(whole, 2)) == 12
    assert batches(before, 2)[:step] == batches(whole, 2)[:step]
    assert batches(after, others) == batches(whole, 2)[step:]
    assert [row["step"] for row in run.history] == [row["step"] for row in expected.history]
    for name, value in load_file(expected.weights).items():
        torch.testing.assert_close(load_file(run.weights)[name], value, rtol=1e-4, atol=1e-5)


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
