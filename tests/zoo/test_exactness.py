"""However a batch is computed, in parts, on ranks or after memory ran out, nothing else comes out.

The rules that `zoo verify train` tries on a user's model, here for whatever sizes there may be.
"""

import math

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import nn

from zoo import metrics
from zoo.data import Batch
from zoo.errors import InvalidData
from zoo.parallel import SingleDevice
from zoo.training import Precision
from zoo.training._gradients import Gradients
from zoo.training._guard import make_guard
from zoo.training._loop import whole

CPU = torch.device("cpu")
FEATURES, CLASSES = 5, 4
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-12}
"""Relative to the largest gradient; what is weighed wrongly is far beyond both."""
CLASS_WEIGHTS = (0.2, 1.0, 3.0, 10.0)

sizes = st.integers(1, 33)
dtypes = st.sampled_from(list(TOLERANCE))
seeds = st.integers(0, 2**31)


class Soft(nn.CrossEntropyLoss):
    """Cross-entropy whose labels are probabilities, as mixup makes them."""


class OnlyMean(nn.CrossEntropyLoss):
    """A subclass that does not heed how it is asked to reduce."""

    def forward(self, outputs, labels):
        return nn.functional.cross_entropy(outputs, labels, self.weight)


LOSSES = {
    "weighted, only as a mean": lambda: OnlyMean(torch.tensor(CLASS_WEIGHTS)),
    "cross-entropy": nn.CrossEntropyLoss,
    "smoothed": lambda: nn.CrossEntropyLoss(label_smoothing=0.1),
    "weighted": lambda: nn.CrossEntropyLoss(torch.tensor(CLASS_WEIGHTS)),
    "weighted and smoothed": lambda: nn.CrossEntropyLoss(
        torch.tensor(CLASS_WEIGHTS), label_smoothing=0.2
    ),
    "weighted by zero": lambda: nn.CrossEntropyLoss(
        torch.tensor([0.0, 2.0] + [0.0] * (CLASSES - 2))
    ),
    "weighted by ignoring": lambda: nn.CrossEntropyLoss(
        torch.tensor(CLASS_WEIGHTS), ignore_index=1, label_smoothing=0.1
    ),
    "weighted not, but ignoring": lambda: nn.CrossEntropyLoss(ignore_index=0),
    "soft": Soft,
    "soft and weighted": lambda: Soft(torch.tensor(CLASS_WEIGHTS)),
    "binary": nn.BCEWithLogitsLoss,
    "squares": nn.MSELoss,
}
losses = st.sampled_from(list(LOSSES))


def problem(size, loss, dtype, seed):
    """A small net, its loss, and a batch: samples (B, 5) and labels that fit."""
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(FEATURES, 7), nn.Tanh(), nn.Linear(7, CLASSES)).to(dtype)
    criterion = LOSSES[loss]().to(dtype)
    samples = torch.randn(size, FEATURES, dtype=dtype)
    if isinstance(criterion, nn.CrossEntropyLoss) and not isinstance(criterion, Soft):
        labels = torch.randint(CLASSES, (size,))
    elif isinstance(criterion, Soft):
        labels = torch.rand(size, CLASSES, dtype=dtype).softmax(1)
    else:
        labels = torch.randint(2, (size, CLASSES)).to(dtype)
    return net, criterion, Batch(samples, labels, size)


def make(net, criterion, batch, strategy=None, **options):
    """What computes gradients, as a training has it."""
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    settings = {"parts": 1, "split_further": lambda *_: None, **options}
    return Gradients(
        net,
        criterion,
        strategy or SingleDevice(CPU),
        Precision("fp32", CPU),
        make_guard(CPU, optimizer, None, scaled=False),
        stand_in=Batch(batch.samples[:1], batch.labels[:1], 1),
        **settings,
    )


def taken(net):
    """The gradients, as one vector; they are forgotten."""
    found = torch.cat([parameter.grad.flatten() for parameter in net.parameters()])
    net.zero_grad()
    return found


def plain(net, criterion, batch):
    """The gradients of three lines of torch, the outputs and the loss."""
    outputs = net(batch.samples)
    loss = criterion(outputs, batch.labels)
    assume(bool(torch.isfinite(loss)))  # of labels that all count for nothing there is no mean
    loss.backward()
    return taken(net), outputs.detach(), loss.detach()


def assert_same(found, expected):
    """Equal but for rounding, relative to the largest number."""
    scale = float(expected.abs().max())
    torch.testing.assert_close(found, expected, rtol=0, atol=TOLERANCE[expected.dtype] * scale)


@given(size=sizes, parts=st.integers(1, 40), loss=losses, dtype=dtypes, seed=seeds)
def test_parts_add_up_to_the_batch(size, parts, loss, dtype, seed):
    """Ragged ones, single samples, and more parts than samples, under every kind of mean."""
    net, criterion, batch = problem(size, loss, dtype, seed)
    expected, outputs, mean = plain(net, criterion, batch)
    found, total = make(net, criterion, batch, parts=parts)(batch)
    assert_same(taken(net), expected)
    assert_same(found, outputs)
    assert_same(total, mean)


@given(size=sizes, fits=st.integers(1, 33), loss=losses, dtype=dtypes, seed=seeds)
def test_memory_that_does_not_suffice_changes_nothing(size, fits, loss, dtype, seed):
    """Neither the gradients nor the loss; the batch is split until its parts fit."""
    net, criterion, batch = problem(size, loss, dtype, seed)
    expected, outputs, mean = plain(net, criterion, batch)
    net.register_forward_pre_hook(memory_for(fits))
    splits = []
    gradients = make(net, criterion, batch, split_further=lambda *said: splits.append(said))
    found, total = gradients(batch)
    assert_same(taken(net), expected)
    assert_same(found, outputs)
    assert_same(total, mean)
    assert math.ceil(size / gradients.parts) <= fits
    told = [parts for parts, _ in splits]
    assert told == [min(2**n, size) for n in range(1, len(told) + 1)]
    assert {of for _, of in splits} <= {size}
    gradients(batch)
    assert len(splits) == len(told), "it stays split"


def memory_for(fits):
    """A hook that lets a forward pass of more samples fail as CUDA does."""

    def check(_module, inputs):
        if len(inputs[0]) > fits:
            raise torch.OutOfMemoryError("simulated")

    return check


@given(size=st.integers(4, 33), fails=st.integers(1, 6), seed=seeds)
def test_what_a_failed_pass_left_behind_does_not_count(size, fails, seed):
    """Memory may run out in any part, after others have left their gradients."""
    net, criterion, batch = problem(size, "weighted", torch.float64, seed)
    expected, _, _ = plain(net, criterion, batch)
    calls = []

    def check(_module, _inputs):
        calls.append(None)
        if len(calls) == fails:
            raise torch.OutOfMemoryError("simulated")

    net.register_forward_pre_hook(check)
    gradients = make(net, criterion, batch, parts=3)
    gradients(batch)
    assert_same(taken(net), expected)
    assert gradients.parts == (min(6, size) if fails <= 3 else 3)


def test_a_sample_that_does_not_fit_alone_is_an_error():
    """There is nothing left to split; and other errors are never taken for it."""
    net, criterion, batch = problem(3, "squares", torch.float32, 0)
    handle = net.register_forward_pre_hook(memory_for(0))
    with pytest.raises(torch.OutOfMemoryError):
        make(net, criterion, batch)(batch)
    handle.remove()
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        make(net, criterion, batch)(batch._replace(samples=batch.samples[:, :2]))


class OneOfSeveral(SingleDevice):
    """A rank of several that take turns in this process: `sum` knows what all of them said.

    In a first round, whose results nobody uses, it listens.
    """

    def __init__(self, rank, said):
        super().__init__(CPU)
        self.rank, self.num_ranks = rank, len(said)
        self.said = said
        self._place = 0

    def sum(self, values):
        """The sum over the ranks, once all have been heard."""
        place, self._place = self._place, self._place + 1
        if place == len(self.said[self.rank]):
            self.said[self.rank].append(values.clone())
        if any(len(others) <= place for others in self.said):
            return values.clone()
        return torch.stack([others[place] for others in self.said]).sum(0)


def over_ranks(num_ranks, work):
    """What `work(strategy)` returns on each rank."""
    said = [[] for _ in range(num_ranks)]
    rounds = [[work(OneOfSeveral(rank, said)) for rank in range(num_ranks)] for _ in range(2)]
    return rounds[1]


@given(
    size=sizes,
    ranks=st.integers(1, 5),
    parts=st.integers(1, 4),
    loss=losses,
    dtype=dtypes,
    seed=seeds,
)
def test_shares_of_ranks_average_to_the_batch(size, ranks, parts, loss, dtype, seed):
    """As they are averaged by DDP; also where some ranks have no sample at all."""
    net, criterion, batch = problem(size, loss, dtype, seed)
    expected, _, mean = plain(net, criterion, batch)
    indices = torch.arange(size).tensor_split(ranks)

    def work(strategy):
        own = indices[strategy.rank]
        share = Batch(batch.samples[own], batch.labels[own], size)
        _, loss = make(net, criterion, batch, strategy, parts=parts)(share)
        return taken(net), loss * share.share

    found = over_ranks(ranks, work)
    assert_same(torch.stack([gradient for gradient, _ in found]).mean(0), expected)
    if "weighted" not in loss:  # there a rank's part of the mean is not its part of the samples
        assert_same(torch.stack([loss for _, loss in found]).sum(), mean)


TASKS = {
    "classification": lambda size: torch.randint(9, (size,)),
    "multilabel": lambda size: torch.randint(2, (size, 9)),
    "regression": lambda size: torch.randn(size, 9) + 100,
}


@given(
    task=st.sampled_from(list(TASKS)),
    size=st.integers(1, 40),
    ranks=st.integers(1, 5),
    batch_size=st.integers(1, 12),
    seed=seeds,
)
def test_ranks_measure_what_one_process_does(task, size, ranks, batch_size, seed):
    """Every sample counts once, whatever the shares; means and variances are merged, not added."""
    torch.manual_seed(seed)
    targets = TASKS[task](size)
    outputs = torch.randn(size, 9) + (100 if task == "regression" else 0)
    losses_of = torch.rand(size, dtype=torch.float64)

    def work(strategy):
        meter = metrics.for_task(task, CPU, 9)
        for batch in torch.arange(size).split(batch_size):
            own = batch.tensor_split(strategy.num_ranks)[strategy.rank]
            loss = losses_of[own].mean() if len(own) else torch.tensor(torch.nan)
            meter.update(outputs[own], targets[own], loss)  # of a stand-in, where it has none
        return whole(meter, strategy)

    (expected,) = over_ranks(1, work)
    for found in over_ranks(ranks, work):
        for name, value in expected.items():
            same = math.isnan(value) and math.isnan(found[name])
            assert same or found[name] == pytest.approx(value, rel=1e-6, abs=1e-6), name


def test_a_rank_without_a_sample_measures_nothing():
    """The last batch may be smaller than the number of ranks."""
    meter = metrics.for_task("classification", CPU, 9)
    assert int(meter.state()[0]) == 0
    with pytest.raises(InvalidData):
        meter.update(torch.randn(2, 9), torch.zeros(2, 9, dtype=torch.int64), torch.zeros(()))
