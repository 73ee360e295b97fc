"""`zoo verify train` shows that the promises hold, and finds a model for which they can't."""

import json

import click.testing
import pytest
import torch

import zoo
from zoo.cli._main import cli
from zoo.verify import Proof
from zoo.verify._proof import gap

DIGITS = ["--dataset", "digits", "--device", "cpu"]


def verify(*arguments):
    return click.testing.CliRunner().invoke(cli, ["verify", "train", *arguments])


def test_every_promise_holds_for_a_model_of_ours():
    """On real ranks and workers; nothing is stored."""
    done = verify("mnist-cnn", *DIGITS, "--batch-size", "32", "--json")
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)
    tried = [row["name"] for row in rows if row["difference"] is not None]
    for name in ("accumulate=7, a ragged batch", "DDP with 2 ranks", "evaluation on 3 ranks"):
        assert name in tried
    assert all(row["verdict"] == "ok" or row["verdict"].startswith("skipped") for row in rows)
    assert zoo.list_runs() == []


def test_a_model_that_mixes_the_samples_of_a_batch_is_found_out():
    """Its gradients can't be computed in parts, and the difference says so."""
    from zoo.verify import _training

    class Mixing(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(784, 10)

        def forward(self, samples):
            outputs = self.layer(samples.flatten(1))
            return outputs - outputs.mean(0)

    settings = {"model": "mlp", "dataset": "digits", "device": "cpu", "batch_size": 32}
    with _training.prepared(settings, None) as (job, fit):
        batch = next(job.train.epoch(1))
        model = Mixing()
        fit.gradients.parts = 4
        fit.gradients._net = model
        object.__setattr__(job, "model", model)
        expected = _training.reference(job, batch.samples, batch.labels)
        fit.gradients(batch)
        assert gap(_training.gradients(job), expected) > 1e-2


@pytest.mark.parametrize(
    ("difference", "verdict", "holds"),
    [(1e-5, "ok", True), (1e-3, "FAILED", False), (float("inf"), "FAILED", False)],
)
def test_a_difference_beyond_the_tolerance_fails(difference, verdict, holds):
    """And NaN is as far away as can be."""
    proof = Proof(name="x", tolerance=1e-4, difference=difference)
    assert (proof.verdict, proof.holds) == (verdict, holds)
    assert gap([torch.tensor([float("nan")])], [torch.ones(1)]) == float("inf")


def test_what_is_mistyped_is_answered_as_by_train():
    """With the nearest name and exit code 2."""
    done = click.testing.CliRunner().invoke(cli, ["verify", "train", "mnist-cn"])
    assert "closest: mnist-cnn" in str(done.exception)
