"""The plugin vision's models: shapes, sizes, gradients, and options that can't work."""

import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import zoo
from zoo.errors import InvalidOption, UsageError


def trains(model: nn.Module, samples: torch.Tensor, num_classes: int) -> None:
    """Check the shape of the outputs, and that every parameter gets a finite gradient."""
    outputs = model(samples)
    assert outputs.shape == (len(samples), num_classes)
    assert outputs.dtype == torch.float32
    outputs.square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


@settings(max_examples=25)
@given(
    channels=st.integers(1, 4),
    rows=st.integers(8, 40),
    columns=st.integers(8, 40),
    num_classes=st.integers(2, 12),
    width=st.integers(4, 12),
)
def test_mnist_cnn_takes_images_of_any_size(channels, rows, columns, num_classes, width):
    """Rectangles, colours and odd sizes, from 8x8."""
    model = zoo.create_model(
        "mnist-cnn",
        in_channels=channels,
        image_size=(rows, columns),
        num_classes=num_classes,
        width=width,
    )
    trains(model, torch.randn(3, channels, rows, columns), num_classes)


@settings(max_examples=25)
@given(
    hidden=st.lists(st.integers(1, 20), max_size=4),
    activation=st.sampled_from(["relu", "leaky_relu", "sigmoid", "tanh", "gelu"]),
    features=st.integers(1, 30),
    num_classes=st.integers(1, 5),
)
def test_mlp_has_any_number_and_width_of_layers(hidden, activation, features, num_classes):
    """From none, which is a linear model, on; with every activation."""
    model = zoo.create_model(
        "mlp",
        hidden=hidden,
        activation=activation,
        in_features=features,
        num_classes=num_classes,
    )
    trains(model, torch.randn(4, features), num_classes)
    linears = [module for module in model.modules() if isinstance(module, nn.Linear)]
    assert [linear.out_features for linear in linears] == [*hidden, num_classes]


def test_mlp_flattens_images():
    """The same model for tables and for images."""
    trains(zoo.create_model("mlp", in_features=2 * 3 * 5), torch.randn(2, 2, 3, 5), 10)


@pytest.mark.parametrize("size", [8, 28, 32, 33])
def test_resnet18_takes_small_images(size):
    """Any size, for it averages over what is left; narrow here, to be quick."""
    model = zoo.create_model("vision/resnet18", in_channels=1, num_classes=4, width=4)
    trains(model, torch.randn(2, 1, size, size), 4)


def test_resnet18_is_the_papers():
    """11.2 million parameters; at 32x32 the stem keeps the size (He et al. 2015, section 4.2)."""
    model = zoo.create_model("vision/resnet18")
    assert sum(parameter.numel() for parameter in model.parameters()) == 11_173_962


@pytest.mark.parametrize("name", ["mnist-cnn", "mlp", "vision/resnet18"])
def test_the_same_seed_gives_the_same_weights(name):
    """And an untrained model is not certain of anything."""
    states = []
    for _ in range(2):
        torch.manual_seed(7)
        states.append(zoo.create_model(name).state_dict())
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


def test_the_default_net_is_small():
    """What the README trains fits anywhere."""
    model = zoo.create_model("mnist-cnn")
    assert sum(parameter.numel() for parameter in model.parameters()) < 50_000


@pytest.mark.parametrize(
    ("name", "options", "text"),
    [
        ("mnist-cnn", {"image_size": 7}, "too small.*8x8"),
        ("mnist-cnn", {"image_size": (28, 4)}, "too small"),
        ("mnist-cnn", {"width": 1}, "width"),
        ("mnist-cnn", {"dropout": 1.0}, "dropout"),
        ("mlp", {"hidden": (0,)}, "width of 1 or more"),
        ("mlp", {"activation": "swish"}, "gelu"),
        ("mlp", {"dropout": -0.1}, "share"),
        ("mlp", {"hidden": 3}, "hidden"),
        ("vision/resnet18", {"width": 0}, "width"),
        ("vision/resnet18", {"depth": 3}, "no option 'depth'"),
    ],
)
def test_options_that_can_not_work(name, options, text):
    """Each is answered with what would."""
    with pytest.raises(UsageError, match=text) as raised:
        zoo.create_model(name, **options)
    assert isinstance(raised.value, InvalidOption)


def test_the_spec_module_imports_the_contract_only():
    """Listing what the plugin offers costs neither torch nor numpy."""
    code = (
        "import sys, zoo_vision.plugin as p; p.zoo_models(); p.zoo_datasets();"
        "print({m.partition('.')[0] for m in sys.modules} & {'torch', 'numpy', 'PIL', 'zoo'})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
