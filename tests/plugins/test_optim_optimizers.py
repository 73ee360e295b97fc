"""Every optimizer trains, and goes on from its own state as if it had not stopped."""

import copy

import pytest
import torch

from zoo_optim import plugin
from zoo_registry import resolve

OPTIMIZERS = {spec.name: resolve(spec.address) for spec in plugin.zoo_optimizers()}
SHAPES = ((4, 6), (6, 6), (3, 2, 3, 3), (6, 4), (5,))


def make_params() -> list[torch.nn.Parameter]:
    """Return parameters as a small network has them: matrices, a kernel, a vector."""
    generator = torch.Generator().manual_seed(0)
    return [torch.nn.Parameter(torch.randn(shape, generator=generator)) for shape in SHAPES]


def loss_of(params: list[torch.nn.Parameter]) -> torch.Tensor:
    """Return a convex loss: squared distances to ones, badly scaled on purpose."""
    return sum((i + 1) * (param - 1).square().sum() for i, param in enumerate(params))


def train(params, optimizer, steps: int) -> None:
    """Take a number of steps."""
    for _ in range(steps):
        optimizer.zero_grad()
        loss_of(params).backward()
        optimizer.step()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_lowers_a_convex_loss(name):
    """A hundred steps at the class's own default rate lower a convex loss."""
    params = make_params()
    before = loss_of(params).item()
    train(params, OPTIMIZERS[name](params), steps=100)
    assert loss_of(params).item() < 0.995 * before


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_lr_is_the_rate_of_every_group(name):
    """The `lr` given is what schedulers find in each group."""
    optimizer = OPTIMIZERS[name](make_params(), lr=0.125)
    assert {group["lr"] for group in optimizer.param_groups} == {0.125}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_goes_on_from_its_own_state_dict(name):
    """Stopped, stored, loaded into a fresh optimizer: every bit is as if never stopped."""
    params = make_params()
    optimizer = OPTIMIZERS[name](params, lr=0.01)
    train(params, optimizer, steps=5)

    resumed_params = [torch.nn.Parameter(param.detach().clone()) for param in params]
    resumed = OPTIMIZERS[name](resumed_params, lr=0.01)
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))

    train(params, optimizer, steps=5)
    train(resumed_params, resumed, steps=5)
    for param, resumed_param in zip(params, resumed_params, strict=True):
        assert torch.equal(param, resumed_param)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_parameters_without_a_gradient_are_left_alone(name):
    """A frozen parameter keeps its value, weight decay or not."""
    params = make_params()
    params[1].requires_grad_(False)
    frozen = params[1].clone()
    train(params, OPTIMIZERS[name](params), steps=3)
    assert torch.equal(params[1], frozen)
