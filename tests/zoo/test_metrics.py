"""Meters against scikit-learn, however the samples are cut into batches and ranks."""

import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk
from torch.nn import functional as F  # noqa: N812  # its name in all of torch's documentation

from zoo import metrics
from zoo_registry import InvalidData, UsageError, ZooError

CPU = torch.device("cpu")
TASKS = ("classification", "multilabel", "regression")
LOSSES = {
    "classification": F.cross_entropy,
    "multilabel": F.binary_cross_entropy_with_logits,
    "regression": F.mse_loss,
}
SEEDS = st.integers(0, 2**32 - 1)
Batch = tuple[torch.Tensor, torch.Tensor]


def draw_samples(task: str, seed: int, size: int, width: int) -> Batch:
    """Return float64 outputs (N, K) and targets as the task has them, some classes absent."""
    rng = np.random.default_rng(seed)
    outputs = torch.from_numpy(rng.normal(size=(size, width)) * 2)
    if task == "classification":
        present = rng.choice(width, size=rng.integers(1, width + 1), replace=False)
        return outputs, torch.from_numpy(rng.choice(present, size))
    if task == "multilabel":
        rates = rng.choice([0.0, 0.2, 0.5, 1.0], size=width)
        return outputs, torch.from_numpy((rng.uniform(size=(size, width)) < rates).astype(int))
    offset, scale = rng.choice([0, 1e3, 1e8]), rng.choice([1, 1e2])
    targets = offset + scale * rng.normal(size=(size, width))
    return torch.from_numpy(targets) + scale * outputs, torch.from_numpy(targets)


@st.composite
def batches(draw, task: str, max_size: int = 50) -> tuple[int, list[Batch]]:
    """Draw K and samples in batches of any sizes, the last one ragged."""
    size = draw(st.integers(1, max_size))
    width = draw(st.integers(2 if task == "classification" else 1, 9))
    samples = draw_samples(task, draw(SEEDS), size, width)
    cuts = sorted(draw(st.sets(st.integers(1, size))) | {size})
    sizes = [b - a for a, b in zip([0, *cuts], cuts, strict=False)]
    return width, list(zip(*(part.split(sizes) for part in samples), strict=True))


def joined(parts: list[Batch]) -> tuple[np.ndarray, np.ndarray]:
    """Return all outputs and all targets of the batches, for scikit-learn."""
    outputs, targets = zip(*parts, strict=True)
    return torch.cat(outputs).numpy(), torch.cat(targets).numpy()


def fed(task: str, width: int, parts: list[Batch]) -> metrics.Meter:
    """Return a meter that has seen the batches."""
    meter = metrics.for_task(task, CPU, width)
    for outputs, targets in parts:
        loss_targets = targets.double() if task == "multilabel" else targets
        meter.update(outputs, targets, LOSSES[task](outputs, loss_targets))
    return meter


def assert_same(found: dict[str, float], expected: dict[str, float], rel: float = 1e-9) -> None:
    """Check that both have the same metrics in the same order, as plain floats."""
    assert list(found) == list(expected)
    assert all(type(value) is float for value in found.values())
    assert found == pytest.approx(expected, rel=rel, abs=1e-12, nan_ok=True)


@given(batches("classification"))
def test_classification_is_scikit_learns(case):
    """Loss, accuracy and, with more than 5 classes, top-5 accuracy; fractions as fractions."""
    width, parts = case
    outputs, targets = joined(parts)
    labels = list(range(width))
    expected = {
        "loss": sk.log_loss(targets, torch.softmax(torch.from_numpy(outputs), 1), labels=labels),
        "accuracy": sk.accuracy_score(targets, outputs.argmax(1)),
    }
    if width > 5:
        expected["top5"] = sk.top_k_accuracy_score(targets, outputs, k=5, labels=labels)
    assert_same(fed("classification", width, parts).compute(), expected)


@given(batches("multilabel"))
def test_multilabel_is_scikit_learns(case):
    """F1 over all labels, the mean of the labels' F1, and the share of samples all right."""
    width, parts = case
    outputs, targets = joined(parts)
    predicted = (outputs > 0).astype(int)

    def f1(average: str) -> float:
        # One column is taken for a binary problem: there a label's F1 is that of class 1.
        average = "binary" if width == 1 else average
        return sk.f1_score(targets, predicted, average=average, zero_division=0)

    probabilities = 1 / (1 + np.exp(-outputs))
    each = [
        sk.log_loss(targets[:, label], probabilities[:, label], labels=[0, 1])
        for label in range(width)
    ]
    expected = {
        "loss": np.mean(each),
        "f1": f1("micro"),
        "f1_macro": f1("macro"),
        "exact_match": sk.accuracy_score(targets, predicted),
    }
    assert_same(fed("multilabel", width, parts).compute(), expected)


@given(batches("regression"))
def test_regression_is_scikit_learns(case):
    """MAE, RMSE and R², each the mean over the targets, where the targets' mean is large too."""
    width, parts = case
    outputs, targets = joined(parts)
    expected = {
        "loss": sk.mean_squared_error(targets, outputs),
        "mae": sk.mean_absolute_error(targets, outputs),
        "rmse": sk.root_mean_squared_error(targets, outputs),
        "r2": sk.r2_score(targets, outputs) if len(targets) > 1 else math.nan,
    }
    assert_same(fed("regression", width, parts).compute(), expected, rel=1e-6)


@pytest.mark.parametrize("task", TASKS)
@given(data=st.data())
def test_the_ranks_together_have_seen_what_one_would(task, data):
    """Batches dealt out to ranks, one of which may get none, merge to the metrics of all."""
    width, parts = data.draw(batches(task))
    num_ranks = data.draw(st.integers(1, 4))
    ranks = [fed(task, width, parts[rank::num_ranks]) for rank in range(num_ranks)]
    merged = metrics.for_task(task, CPU, width)
    for rank in ranks:
        merged.merge(rank.state())
    assert_same(merged.compute(), fed(task, width, parts).compute(), rel=1e-6)


@pytest.mark.parametrize("task", TASKS)
@given(data=st.data())
def test_a_meter_goes_on_after_compute_state_and_merge(task, data):
    """Reading changes nothing: a meter read after every batch ends as one read once."""
    width, parts = data.draw(batches(task, max_size=20))
    meter = metrics.for_task(task, CPU, width)
    for part in parts:
        before = meter.state()
        single = fed(task, width, [part])
        meter.merge(single.state())
        assert_same(meter.compute(), meter.compute())
        assert not torch.equal(before, meter.state())
    assert_same(meter.compute(), fed(task, width, parts).compute(), rel=1e-6)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("width", [5, 6])
def test_reset_forgets_everything(task, width):
    """After a reset a meter is as new: nan before the next batch, and then that batch alone."""
    first, second = (draw_samples(task, seed, 8, width) for seed in (1, 2))
    meter = fed(task, width, [first])
    meter.reset()
    empty = meter.compute()
    assert tuple(empty) == metrics.names(task, width)
    assert all(math.isnan(value) for value in empty.values())
    assert torch.equal(meter.state(), metrics.for_task(task, CPU, width).state())
    meter.merge(fed(task, width, [second]).state())
    assert_same(meter.compute(), fed(task, width, [second]).compute())


@pytest.mark.parametrize("task", TASKS)
def test_update_reads_nothing_back(task):
    """Updates run on tensors without data, so none of their operations waits for a value."""
    meter = metrics.for_task(task, torch.device("meta"), 8)
    outputs = torch.empty(4, 8, device="meta")
    targets = {
        "classification": torch.empty(4, dtype=torch.int64, device="meta"),
        "multilabel": torch.empty(4, 8, dtype=torch.int64, device="meta"),
        "regression": outputs,
    }[task]
    for _ in range(3):
        meter.update(outputs, targets, outputs.mean())
    assert meter.state().device.type == "meta"


@pytest.mark.gpu
@pytest.mark.parametrize("task", TASKS)
def test_update_never_waits_for_the_gpu(task):
    """CUDA's own check finds no synchronization in updates; the metrics are the CPU's."""
    device = torch.device("cuda")
    outputs, targets = draw_samples(task, 0, 20_000, 8)
    there = outputs.to(device), targets.to(device)
    meter = metrics.for_task(task, device, 8)
    loss = torch.ones((), device=device)
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(3):
            meter.update(*there, loss)
        meter.state()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    here = metrics.for_task(task, CPU, 8)
    for _ in range(3):
        here.update(outputs, targets, torch.ones(()))
    assert_same(meter.compute(), here.compute())


@pytest.mark.parametrize("task", TASKS)
def test_outputs_may_belong_to_a_graph(task):
    """What a training step hands over is summed without keeping its graph."""
    outputs, targets = draw_samples(task, 0, 8, 6)
    outputs.requires_grad_()
    meter = metrics.for_task(task, CPU, 6)
    meter.update(outputs, targets, outputs.mean())
    assert not meter.state().requires_grad
    assert_same(meter.compute(), {**meter.compute(), "loss": outputs.mean().item()})


@pytest.mark.parametrize("task", TASKS)
def test_a_meter_made_in_inference_mode_serves_outside_too(task):
    """Where it was made does not decide where it can be updated."""
    outputs, targets = draw_samples(task, 0, 8, 6)
    with torch.inference_mode():
        meter = metrics.for_task(task, CPU, 6)
        meter.update(outputs, targets, outputs.mean())
    meter.update(outputs, targets, outputs.mean())
    twice = metrics.for_task(task, CPU, 6)
    for _ in range(2):
        twice.update(outputs, targets, outputs.mean())
    assert_same(meter.compute(), twice.compute())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_outputs_are_summed_in_full(dtype):
    """Errors of half-precision outputs are taken and summed in float64."""
    outputs = torch.full((3000, 1), 0.5, dtype=dtype)
    targets = torch.full((3000, 1), 70_000.0)
    meter = metrics.for_task("regression", CPU, 1)
    meter.update(outputs, targets, torch.zeros((), dtype=dtype))
    assert meter.compute()["mae"] == 70_000 - 0.5


def test_more_samples_than_wait_to_be_counted():
    """Accuracy over many batches, counted some at a time, is that of all of them."""
    outputs, targets = draw_samples("classification", 0, 40_000, 7)
    parts = list(zip(outputs.split(300), targets.split(300), strict=True))
    found = fed("classification", 7, parts).compute()
    assert found["accuracy"] == sk.accuracy_score(targets, outputs.argmax(1))
    assert found["top5"] == sk.top_k_accuracy_score(targets, outputs, k=5, labels=range(7))


def test_equal_logits_answer_with_the_first_class():
    """A network that says nothing is as accurate as always naming the first class."""
    targets = torch.tensor([0, 1, 2, 3])
    meter = metrics.for_task("classification", CPU, 4)
    meter.update(torch.zeros(4, 4), targets, torch.zeros(()))
    assert meter.compute()["accuracy"] == 0.25


def test_each_sample_weighs_the_same_in_the_loss():
    """A ragged last batch counts by its samples, not as a whole batch."""
    meter = metrics.for_task("classification", CPU, 2)
    for size, loss in ((3, 1.0), (1, 5.0)):
        targets = torch.zeros(size, dtype=torch.int64)
        meter.update(torch.zeros(size, 2), targets, torch.tensor(loss))
    assert meter.compute()["loss"] == 2.0


def test_outputs_per_pixel_are_measured_per_pixel():
    """Logits (B, K, H, W) against classes (B, H, W): the share of pixels, not of images."""
    outputs = torch.from_numpy(np.random.default_rng(0).normal(size=(3, 7, 4, 5)))
    targets = torch.from_numpy(np.random.default_rng(1).integers(0, 7, (3, 4, 5)))
    found = fed("classification", 7, [(outputs, targets), (outputs[:1], targets[:1])]).compute()
    flat = outputs.movedim(1, -1).reshape(-1, 7), targets.reshape(-1)
    once = outputs[:1].movedim(1, -1).reshape(-1, 7), targets[:1].reshape(-1)
    assert_same(found, fed("classification", 7, [flat, once]).compute())


@given(st.floats(-1e9, 1e9), st.integers(2, 300), st.integers(1, 40), st.booleans())
def test_targets_that_never_vary_have_no_variance_to_explain(value, size, batch_size, exact):
    """R² is then 1 where the outputs are exact and 0 where not, as in scikit-learn."""
    targets = torch.full((size, 1), value, dtype=torch.float64)
    outputs = targets if exact else targets + 1
    parts = list(zip(outputs.split(batch_size), targets.split(batch_size), strict=True))
    assert fed("regression", 1, parts).compute()["r2"] == (1.0 if exact else 0.0)


@pytest.mark.parametrize("task", ["multilabel", "regression"])
def test_a_single_target_may_come_with_or_without_its_column(task):
    """Outputs and targets (B,) and (B, 1) in any combination are measured one to one."""
    outputs, targets = draw_samples(task, 0, 9, 1)
    expected = fed(task, 1, [(outputs, targets)]).compute()
    for some_outputs in (outputs, outputs[:, 0]):
        for some_targets in (targets, targets[:, 0]):
            meter = metrics.for_task(task, CPU, 1)
            meter.update(some_outputs, some_targets, torch.tensor(expected["loss"]))
            assert_same(meter.compute(), expected, rel=1e-6)


@pytest.mark.parametrize(
    ("task", "shape"),
    [
        ("classification", (4, 1)),
        ("classification", (4, 3)),
        ("multilabel", (4,)),
        ("multilabel", (3, 3)),
        ("regression", (4,)),
        ("regression", (4, 1)),
    ],
)
def test_shapes_that_do_not_go_together_are_refused(task, shape):
    """What would broadcast in silence is an error with both shapes, and sums nothing."""
    meter = metrics.for_task(task, CPU, 3)
    with pytest.raises(InvalidData, match=r"\(4, 3\) and the targets \("):
        meter.update(torch.zeros(4, 3), torch.zeros(shape, dtype=torch.int64), torch.zeros(()))
    assert not meter.state().any()


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("width", [2, 5, 6])
def test_names_are_those_computed(task, width):
    """`names` tells without a meter what `compute` will give, the monitored one among them."""
    assert tuple(metrics.for_task(task, CPU, width).compute()) == metrics.names(task, width)
    assert metrics.default_monitor(task) in metrics.names(task, width)
    assert set(metrics.names(task, width)) <= set(metrics.names(task))


def test_monitors_and_directions():
    """Each task's monitor, and errors fall while scores rise."""
    monitors = {task: metrics.default_monitor(task) for task in TASKS}
    assert monitors == {"classification": "accuracy", "multilabel": "f1", "regression": "rmse"}
    directions = {name: metrics.direction(name) for task in TASKS for name in metrics.names(task)}
    lower = {name for name, direction in directions.items() if direction == "min"}
    assert lower == {"loss", "mae", "rmse"}
    assert set(directions.values()) == {"min", "max"}


@pytest.mark.parametrize(
    "ask",
    [
        lambda: metrics.for_task("ranking", CPU, 2),
        lambda: metrics.names("ranking"),
        lambda: metrics.default_monitor("ranking"),
    ],
)
def test_an_unknown_task_is_refused(ask):
    """The message names the task and those there are."""
    with pytest.raises(UsageError, match=r"'ranking'.*classification, multilabel, regression"):
        ask()


def test_an_unknown_metric_has_no_direction():
    """The message names the metric and those there are."""
    with pytest.raises(ZooError, match=r"no metric named 'auc'.*loss, accuracy.*r2"):
        metrics.direction("auc")


def test_knowing_the_metrics_needs_no_torch():
    """Names, directions and monitors are told without importing torch."""
    code = (
        "import sys; from zoo import metrics; metrics.names('regression'); "
        "metrics.direction('loss'); metrics.default_monitor('multilabel'); "
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
