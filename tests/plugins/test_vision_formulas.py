"""What the models of the plugin `vision` compute, against formulas and other implementations."""

import math
import pickle

import pytest
import torch
from torch import nn

from zoo_vision.mlp import MLP
from zoo_vision.mnist_cnn import MnistCnn
from zoo_vision.resnet import resnet18

ACTIVATIONS = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "gelu": nn.GELU,
}
MODELS = {
    "mnist-cnn": (MnistCnn, (1, 28, 28)),
    "mlp": (MLP, (1, 28, 28)),
    "resnet18": (lambda: resnet18(width=4), (3, 16, 16)),
}


def count(model):
    """The number of parameters."""
    return sum(parameter.numel() for parameter in model.parameters())


def loss_of(model, samples, labels):
    return nn.functional.cross_entropy(model(samples), labels)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_learns_a_batch_by_heart(name):
    """A few steps of plain gradient descent bring the loss far down."""
    build, shape = MODELS[name]
    torch.manual_seed(0)
    model = build()
    samples, labels = torch.randn(16, *shape), torch.arange(16) % 10
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    before = loss_of(model, samples, labels).item()
    for _ in range(40):
        optimizer.zero_grad()
        loss_of(model, samples, labels).backward()
        optimizer.step()
    assert loss_of(model, samples, labels).item() < 0.2 * before


@pytest.mark.parametrize("name", MODELS)
def test_a_fresh_model_favours_no_class(name):
    """Its loss is near that of guessing, whatever the seed."""
    build, shape = MODELS[name]
    for seed in range(3):
        torch.manual_seed(seed)
        loss = loss_of(build(), torch.randn(64, *shape), torch.arange(64) % 10).item()
        assert math.log(10) - 0.3 < loss < 2 * math.log(10)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_survives_pickling_and_its_weights_are_plain(name):
    """A copy in another process answers the same; every tensor can be stored as it lies."""
    build, shape = MODELS[name]
    torch.manual_seed(0)
    model = build().eval()
    copy = pickle.loads(pickle.dumps(model))
    samples = torch.randn(2, *shape)
    torch.testing.assert_close(copy(samples), model(samples))
    assert all(tensor.is_contiguous() for tensor in model.state_dict().values())


def test_mnist_cnn_has_the_size_it_states():
    """Weights and biases of a stem, two stages with batch norm, and a head on 2x2 positions."""
    stem = 8 * 1 * 25 + 8
    stages = (32 * 8 * 9 + 2 * 32) + (64 * 32 * 9 + 2 * 64)
    head = 10 * 64 * 2 * 2 + 10
    assert count(MnistCnn()) == stem + stages + head < 40_000


def test_mnist_cnn_answers_the_same_for_any_memory_layout():
    """How the caller's images lie in memory is no part of their content."""
    torch.manual_seed(0)
    model = MnistCnn(3, 32).eval()
    images = torch.randn(4, 3, 32, 32)
    expected = model(images)
    torch.testing.assert_close(model(images.to(memory_format=torch.channels_last)), expected)
    assert images.is_contiguous()


def test_mnist_cnn_drops_features_in_training_only():
    """With dropout two passes differ, until the model is told to evaluate."""
    torch.manual_seed(0)
    model = MnistCnn(dropout=0.5)
    images = torch.randn(4, 1, 28, 28)
    assert not torch.equal(model(images), model(images))
    model.eval()
    assert torch.equal(model(images), model(images))


def test_mlp_computes_what_it_says():
    """Against the formula, written out."""
    torch.manual_seed(0)
    model = MLP(6, 2, hidden=(5, 4), activation="tanh")
    first, _, second, _ = model.layers
    x = torch.randn(3, 6)
    hidden = torch.tanh(torch.tanh(x @ first.weight.T + first.bias) @ second.weight.T + second.bias)
    torch.testing.assert_close(model(x), hidden @ model.head.weight.T + model.head.bias)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_mlp_passes_signals_through_many_layers(activation):
    """The first weights suit the activation: ten layers on, samples still differ."""
    torch.manual_seed(0)
    model = MLP(100, 10, hidden=(100,) * 10, activation=activation)
    outputs = model(torch.randn(256, 100))
    assert 0.003 < outputs.std(dim=0).mean() < 30  # torch's own first weights: 0.002 at most


def test_mlp_drops_hidden_outputs_in_training_only():
    """One dropout after each hidden layer; none where none is asked for."""
    dropped = [m for m in MLP(hidden=(8, 8), dropout=0.5).modules() if isinstance(m, nn.Dropout)]
    assert [module.p for module in dropped] == [0.5, 0.5]
    assert not [m for m in MLP(hidden=(8, 8)).modules() if isinstance(m, nn.Dropout)]


def test_resnet18_has_the_weights_of_the_paper_behind_its_stem():
    """Layer by layer those of torchvision's, but for the smaller stem and the head."""
    from torchvision.models import resnet18 as reference

    def shapes(model, stem):
        kernels = [m.weight.shape for m in model.modules() if isinstance(m, nn.Conv2d)]
        return sorted(kernels[stem:])

    model = resnet18()
    assert shapes(model, 1) == shapes(reference(), 1)
    assert sum(isinstance(m, nn.Conv2d | nn.Linear) for m in model.modules()) == 18 + 3  # shortcuts
    stem = 64 * 3 * 3 * 3 - 64 * 3 * 7 * 7
    head = 10 * 513 - 1000 * 513
    assert count(model) == count(reference()) + stem + head


def test_resnet18_halves_the_resolution_three_times():
    """The stem and the first stage keep it, each further stage halves it and doubles the width."""
    model = resnet18(width=4).eval()
    features = model.stem(torch.zeros(1, 3, 32, 32))
    seen = []
    for stage in model.stages:
        features = stage(features)
        seen.append(tuple(features.shape[1:]))
    assert seen == [(4, 32, 32), (8, 16, 16), (16, 8, 8), (32, 4, 4)]


def test_a_fresh_residual_block_is_its_shortcut():
    """The last scale of each block starts at 0, so that depth costs nothing at the start."""
    torch.manual_seed(0)
    features = torch.randn(2, 4, 6, 6)
    block = resnet18(width=4).stages[0][0]
    torch.testing.assert_close(block(features), features.relu())
