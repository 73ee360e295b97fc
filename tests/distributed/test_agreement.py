"""Ranks that differ in what they have, or where they are, say so or get along; none waits."""

import importlib
import sys

import pytest
import torch
from torch import nn

import zoo
from zoo.errors import InvalidData
from zoo.parallel import launch

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="ranks need gloo and signals")

WORK = """
import os

import torch
from torch import nn

import zoo


def data(shift=0):
    generator = torch.Generator().manual_seed(0)
    samples = torch.randn(30, 3, generator=generator) + shift
    return samples, torch.randint(0, 3, (30,), generator=generator)


def train(shift, home):
    rank = int(os.environ["RANK"])
    os.environ["ZOO_HOME"] = os.path.join(home, str(rank))
    torch.manual_seed(0)
    run = zoo.train(
        nn.Linear(3, 3), data(shift * rank), epochs=2, device="cpu", batch_size=8, progress=False
    )
    return run.name, run.state
"""


@pytest.fixture
def work(write_package):
    return importlib.import_module(write_package(WORK))


def test_different_data_are_refused_rather_than_waited_for(work, tmp_path):
    """With what each rank has: a step with two kinds of batches would be nobody's gradient."""
    with pytest.raises(InvalidData, match="the ranks have different data: rank 0 .* rank 1"):
        launch(work.train, (1.0, str(tmp_path)), ranks=2)


def test_ranks_need_no_common_folder(work, tmp_path):
    """As on several machines: rank 0 stores the run, the others know its name and its end."""
    names = launch(work.train, (0.0, str(tmp_path)), ranks=2)
    assert names == [("linear-arrays-1", "done")] * 2
    assert not (tmp_path / "1" / "runs").exists()


def test_gradients_that_overflow_in_fp16_are_skipped_on_ranks_too():
    """The scaler lowers its scale, as in one process: no loss was at fault."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 3))
    samples = torch.randn(40, 3) * 3000
    data = samples, (samples[:, 0] > 0).long()
    run = zoo.train(
        model, data, parallel="ddp", ranks=2, precision="fp16", epochs=2, device="cpu",
        batch_size=8, lr=1e-4, optimizer="sgd", progress=False,
    )  # fmt: skip
    assert run.state == "done"


def test_a_rank_without_a_sample_leaves_the_metrics_alone():
    """Regression measures means and deviations, of which nothing has none."""
    torch.manual_seed(0)
    samples, targets = torch.randn(9, 3), torch.randn(9, 1)
    splits = {"epochs": 2, "batch_size": 4, "device": "cpu", "progress": False, "lr": 1e-3}
    data = samples, targets, samples, targets
    alone = zoo.train(nn.Linear(3, 1), data, seed=1, **splits)
    torch.manual_seed(0)
    many = zoo.train(nn.Linear(3, 1), data, seed=1, parallel="ddp", ranks=2, **splits)
    for row, expected in zip(many.history, alone.history, strict=True):
        assert row.keys() == expected.keys()
        assert row["train_r2"] is not None
