"""Losses against torch's functional ones and against their formulas in a few lines of numpy."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F  # noqa: N812  # its name in all of torch's documentation

from zoo_optim import losses, plugin
from zoo_registry import InvalidData, InvalidOption, resolve

REGRESSION = {"mse": F.mse_loss, "l1": F.l1_loss, "huber": F.huber_loss}
BUILDERS = {spec.name: resolve(spec.address) for spec in plugin.zoo_losses()}
SEEDS = st.integers(0, 2**32 - 1)


def make_case(seed: int, size: int, width: int) -> tuple[torch.Tensor, np.random.Generator]:
    """Return outputs (B, K) and what to draw their targets from."""
    rng = np.random.default_rng(seed)
    outputs = torch.from_numpy(rng.normal(size=(size, width)) * 3).float()
    return outputs.requires_grad_(), rng


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return probabilities (B, K) of logits (B, K)."""
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


@given(SEEDS, st.integers(1, 9), st.integers(2, 7), st.floats(0, 1), st.booleans())
def test_cross_entropy_is_its_formula(seed, size, width, smoothing, weighted):
    """Minus the log-probability of a smoothed target, weighted by class, over the weights' sum."""
    outputs, rng = make_case(seed, size, width)
    targets = rng.integers(0, width, size)
    weight = rng.uniform(0.1, 3, width) if weighted else np.ones(width)
    loss = losses.cross_entropy(smoothing, tuple(weight.tolist()) if weighted else None)
    found = loss(outputs, torch.from_numpy(targets))

    logs = np.log(softmax(outputs.detach().double().numpy()))
    target = np.eye(width)[targets] * (1 - smoothing) + smoothing / width
    expected = -(target * weight * logs).sum() / weight[targets].sum()
    assert found.item() == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_cross_entropy_takes_probabilities_as_targets():
    """Mixed labels (B, K), as mixup makes them, are torch's."""
    outputs, rng = make_case(0, 6, 4)
    mixed = torch.from_numpy(softmax(rng.normal(size=(6, 4)))).float()
    assert torch.equal(losses.cross_entropy()(outputs, mixed), F.cross_entropy(outputs, mixed))


@given(SEEDS, st.integers(1, 9), st.integers(1, 7), st.booleans())
def test_bce_with_logits_is_its_formula(seed, size, width, weighted):
    """The mean over all labels of minus the log-probability, weighted where present."""
    outputs, rng = make_case(seed, size, width)
    labels = rng.integers(0, 2, (size, width))
    weight = rng.uniform(0.1, 3, width) if weighted else np.ones(width)
    loss = losses.bce_with_logits(tuple(weight.tolist()) if weighted else None)
    found = loss(outputs, torch.from_numpy(labels))

    probabilities = 1 / (1 + np.exp(-outputs.detach().double().numpy()))
    each = weight * labels * np.log(probabilities) + (1 - labels) * np.log(1 - probabilities)
    assert found.item() == pytest.approx(-each.mean(), rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.int64, torch.float32])
def test_multi_hot_labels_may_have_any_type(dtype):
    """Labels of 0 and 1 are cast, whatever type they are stored in."""
    outputs, _ = make_case(0, 5, 3)
    labels = torch.tensor([[1, 0, 1], [0, 0, 0], [1, 1, 1], [0, 1, 0], [1, 0, 0]])
    expected = F.binary_cross_entropy_with_logits(outputs, labels.float())
    assert torch.equal(losses.bce_with_logits()(outputs, labels.to(dtype)), expected)


@given(SEEDS, st.integers(1, 9), st.integers(1, 4))
def test_regression_losses_are_their_formulas(seed, size, width):
    """Squared, absolute and Huber's error, the mean over samples and targets."""
    outputs, rng = make_case(seed, size, width)
    targets = rng.normal(size=(size, width)) * 3
    error = np.abs(outputs.detach().numpy() - targets)
    expected = {
        "mse": (error**2).mean(),
        "l1": error.mean(),
        "huber": np.where(error <= 0.7, error**2 / 2, 0.7 * (error - 0.35)).mean(),
    }
    modules = {"mse": losses.mse(), "l1": losses.l1(), "huber": losses.huber(delta=0.7)}
    for name, module in modules.items():
        found = module(outputs, torch.from_numpy(targets))
        assert found.item() == pytest.approx(expected[name], rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("name", REGRESSION)
@pytest.mark.parametrize("shapes", [((5, 1), (5,)), ((5,), (5, 1)), ((1, 1), (1,)), ((5,), (5,))])
def test_a_single_target_may_come_with_or_without_its_column(name, shapes):
    """Outputs (B, 1) against targets (B,) are compared one to one, not all to all."""
    outputs, targets = torch.arange(5.0)[: shapes[0][0]], torch.ones(5)[: shapes[1][0]]
    found = BUILDERS[name]()(outputs.view(shapes[0]), targets.view(shapes[1]))
    assert torch.equal(found, REGRESSION[name](outputs, targets))


@pytest.mark.parametrize("name", [*REGRESSION, "bce-with-logits"])
@pytest.mark.parametrize("shape", [(4,), (4, 1), (3, 3), (4, 3, 1, 1)])
def test_shapes_that_do_not_match_are_refused(name, shape):
    """What would broadcast in silence is an error with both shapes."""
    with pytest.raises(InvalidData, match=r"\(4, 3\).*" + str(shape).replace("(", r"\(")[:4]):
        BUILDERS[name]()(torch.zeros(4, 3), torch.zeros(shape))


@pytest.mark.parametrize("name", BUILDERS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_any_float_type_gives_a_precise_scalar_and_gradient(name, dtype):
    """Half-precision outputs give a float32 loss; a gradient in their own type comes back."""
    outputs = torch.tensor([[0.5, -1.0], [2.0, 0.25]], dtype=dtype, requires_grad=True)
    classes = torch.tensor([0, 1])
    targets = classes if name == "cross-entropy" else torch.nn.functional.one_hot(classes)
    loss = BUILDERS[name]()(outputs, targets)
    exact = BUILDERS[name]()(outputs.detach().double(), targets)
    assert loss.shape == ()
    assert loss.dtype == torch.promote_types(dtype, torch.float32)
    assert loss.item() == pytest.approx(exact.item(), rel=1e-6)
    loss.backward()
    assert outputs.grad.dtype == dtype
    assert outputs.grad.abs().sum() > 0


def test_large_targets_survive_half_precision():
    """A target above float16's range is no infinity in the loss."""
    loss = losses.l1()(torch.zeros(1, 1, dtype=torch.float16), torch.tensor([[1e6]]))
    assert loss.item() == 1e6


def test_weights_follow_the_module_to_its_device():
    """The weights are buffers, so `.to` moves them, and no part of what is stored."""
    for module in (losses.cross_entropy(weight=(1, 2)), losses.bce_with_logits((1, 2))):
        (weight,) = module.to("meta").buffers()
        assert weight.device.type == "meta"
        assert module.state_dict() == {}


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_weights_serve_outputs_of_any_float_type(dtype):
    """A weighted loss of half or double precision is that of the same numbers in float32."""
    outputs, classes = torch.tensor([[0.5, -1.0], [2.0, 0.25]]), torch.tensor([0, 1])
    for module, targets in (
        (losses.cross_entropy(weight=(0.5, 2)), classes),
        (losses.bce_with_logits((0.5, 2)), F.one_hot(classes)),
    ):
        found = module(outputs.to(dtype), targets)
        assert found.item() == pytest.approx(module(outputs, targets).item(), rel=1e-6)


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("cross-entropy", {"label_smoothing": 1.5}, "label_smoothing is 1.5"),
        ("cross-entropy", {"label_smoothing": -0.1}, "from 0 to 1"),
        ("cross-entropy", {"weight": (1.0, -1.0)}, "negative"),
        ("bce-with-logits", {"pos_weight": (float("nan"),)}, "pos_weight"),
        ("huber", {"delta": 0.0}, "above 0"),
    ],
)
def test_options_out_of_range_are_refused(name, options, told):
    """The message names the option, its value and what is allowed."""
    with pytest.raises(InvalidOption, match=told):
        BUILDERS[name](**options)


@pytest.mark.parametrize("name", ["cross-entropy", "bce-with-logits"])
def test_the_wrong_number_of_weights_is_refused(name):
    """Two weights for three outputs are an error that says both numbers."""
    key = {"cross-entropy": "weight", "bce-with-logits": "pos_weight"}[name]
    outputs = torch.zeros(4, 3)
    targets = torch.zeros(4, dtype=torch.int64) if name == "cross-entropy" else outputs
    with pytest.raises(InvalidOption, match=f"{key} has 2 values and the model 3 outputs"):
        BUILDERS[name](**{key: (1.0, 2.0)})(outputs, targets)
