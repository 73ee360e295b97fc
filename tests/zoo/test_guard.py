"""A loss that is not finite stops the run before its update, and leaves what tells why."""

import json
import math

import numpy as np
import pytest
import torch
from torch import nn

import zoo
import zoo_registry
from zoo.data import epoch_order
from zoo.errors import Diverged
from zoo.training._guard import NotFinite, make_guard

CPU = torch.device("cpu")


def blobs(count=60):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, count)
    return (rng.normal(size=(count, 2)) + 3 * labels[:, None]).astype(np.float32), labels


def guard(probe=None):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)])
    return make_guard(CPU, optimizer, probe, scaled=False)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_the_guard_stops_at_the_step_of_the_loss(bad):
    """Finite losses pass and are remembered; the step counts from 1."""
    watching = guard()
    for loss in (2.0, 1.0):
        watching.watch(torch.tensor(loss))
        watching.check()
    assert (watching.step, watching.last) == (2, 1.0)
    watching.watch(torch.tensor(bad))
    with pytest.raises(NotFinite) as end:
        watching.check()
    assert end.value.step == 3
    assert [step for step, _ in watching.losses] == [1, 2, 3]


def test_a_loss_that_was_not_finite_on_another_rank_is_seen_in_the_gradients():
    """They have been summed over the ranks, and so are not finite on any."""
    probe = nn.Parameter(torch.zeros(3))
    probe.grad = torch.tensor([0.0, 1.0, 2.0])
    watching = guard(probe)
    watching.watch(torch.tensor(1.0))
    watching.check()
    assert watching.last == 1.0
    probe.grad[1] = math.nan
    watching.watch(torch.tensor(1.0))
    with pytest.raises(NotFinite):
        watching.check()


@pytest.mark.gpu
def test_on_a_gpu_no_update_follows_even_before_the_host_knows():
    """The flag on the device makes the fused kernel skip."""
    weight = torch.ones(3, device="cuda", requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=1.0, fused=True)
    watching = make_guard(torch.device("cuda"), optimizer, None, scaled=False)
    weight.grad = torch.ones_like(weight)
    watching.watch(torch.tensor(math.nan, device="cuda"))
    optimizer.step()
    assert weight.tolist() == [1.0, 1.0, 1.0]
    with pytest.raises(NotFinite):
        watching.drain()


class Second(nn.Module):
    """Two layers, the second of which is poisoned at a step of training."""

    def __init__(self, step):
        super().__init__()
        self.first, self.second, self.steps = nn.Linear(2, 4), nn.Linear(4, 2), step

    def forward(self, samples):
        if self.training:
            self.steps -= 1
            if self.steps < 0:
                with torch.no_grad():
                    self.second.bias.fill_(math.nan)
        return self.second(self.first(samples).relu())


def train(model, dataset, **settings):
    settings = {"epochs": 3, "batch_size": 16, "device": "cpu", "seed": 5, **settings}
    return zoo.train(model, dataset, progress=False, **settings)


def test_the_record_names_step_samples_and_module():
    """Of a run that diverged in its second epoch, on data without a test split."""
    data = zoo_registry.Splits(train=zoo.ArrayDataset(*blobs(50)))
    with pytest.raises(Diverged, match=r"nan at step 6 of 12.*diverged\.json names"):
        train(Second(step=5), data, clip_norm=1.0)
    (run,) = zoo.list_runs()
    told = json.loads((run.path / "diverged.json").read_text())
    assert (run.state, told["epoch"], told["step"]) == ("failed", 2, 6)
    assert told["samples"] == epoch_order(50, 5, 2)[16:32].tolist()
    assert told["module"] == "second"
    assert told["loss"] is None
    assert [step for step, _ in told["losses"]] == [1, 2, 3, 4, 5, 6]
    assert [step for step, _ in told["gradient_norms"]] == [1, 2, 3, 4, 5]
    assert all(norm > 0 for _, norm in told["gradient_norms"])


def test_samples_that_are_not_finite_are_found_out():
    """`input`, and not a module, is to blame."""
    samples, labels = blobs()
    samples[:] = math.nan
    with pytest.raises(Diverged, match="step 1"):
        train(nn.Sequential(nn.Linear(2, 2)), (samples, labels))
    (run,) = zoo.list_runs()
    assert json.loads((run.path / "diverged.json").read_text())["module"] == "input"


def test_looking_for_the_module_changes_no_buffer():
    """The running statistics are those of the training, not of the search."""
    model = nn.Sequential(nn.BatchNorm1d(2), Second(step=2))
    with pytest.raises(Diverged):
        train(model, zoo_registry.Splits(train=zoo.ArrayDataset(*blobs(48))))
    assert model[0].num_batches_tracked == 3


class Poison(torch.autograd.Function):
    """Passes values on, and NaN back."""

    @staticmethod
    def forward(_context, values):
        return values.clone()

    @staticmethod
    def backward(_context, gradient):
        return gradient * math.nan


class Poisoned(nn.Linear):
    def forward(self, samples):
        outputs = super().forward(samples)
        return Poison.apply(outputs) if self.training else outputs


def test_a_gradient_that_is_not_finite_is_noticed_though_every_loss_was():
    """Where no further loss tells of it: no such weights become the model."""
    with pytest.raises(Diverged, match=r"the weights are not finite after step 1 of 1; a gradient"):
        train(Poisoned(2, 2), blobs(20), batch_size=20, epochs=1)
    for run in zoo.list_runs():
        assert run.state == "failed"
        assert not run.weights.exists()


def test_weights_that_were_spoilt_before_are_not_said_to_be_sound():
    """The step at which the loss shows it is not the one that did it."""
    with pytest.raises(Diverged, match=r"became nan at step 2 of 2; a gradient of a step before"):
        train(Poisoned(2, 2), blobs(20), batch_size=8, epochs=1)


def test_a_model_that_can_not_take_one_sample_alone_is_diagnosed_all_the_same():
    """The last chunk that is looked at may be a single sample, on which a BatchNorm can't train."""
    model = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), Second4())
    with pytest.raises(Diverged):
        train(model, blobs(130), batch_size=65, epochs=1)
    assert (zoo.list_runs()[0].path / "diverged.json").exists()


class Second4(nn.Linear):
    def __init__(self):
        super().__init__(4, 2)

    def forward(self, samples):
        return super().forward(samples) * (math.nan if self.training else 1)


def test_a_loss_that_is_not_finite_on_finite_outputs_is_named():
    """It is the loss to look at then, not a module."""

    class Strict(nn.Module):
        def forward(self, outputs, labels):
            return nn.functional.cross_entropy(outputs, labels) / (labels != 1).all()

    splits = zoo_registry.Splits(train=zoo.ArrayDataset(*blobs(40)))
    with pytest.raises(Diverged):
        train(nn.Linear(2, 2), splits, batch_size=20, epochs=1, loss=Strict())
    told = json.loads((zoo.list_runs()[0].path / "diverged.json").read_text())
    assert told["module"] == "loss"
