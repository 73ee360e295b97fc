"""torch's optimizers without the compiler: the same steps, and torch left as it was."""

import subprocess
import sys

import pytest
import torch
from torch import nn

import zoo_registry
from zoo._registry import registry
from zoo.training._plain_optimizer import _MARK, step_of, without_compiler

RUN = """
import sys
import numpy as np, torch, zoo
x = np.zeros((20, 2), np.float32)
net = torch.nn.Linear(2, 2)
zoo.train(net, (x, np.arange(20) % 2), optimizer={name!r}, epochs=1, progress=False)
heavy = ("torch._dynamo", "sympy", "torchvision", "sklearn")
print([name for name in heavy if name in sys.modules])
torch.optim.SGD(net.parameters(), lr=0.1)
print("torch._dynamo" in sys.modules)
"""


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_a_training_imports_what_it_uses_and_no_more(name):
    """Neither compiler nor torchvision; afterwards torch behaves as it always does."""
    done = subprocess.run(
        [sys.executable, "-c", RUN.format(name=name)], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["[]", "True"]


def optimizers():
    """Every optimizer there is, by its qualified name."""
    return [entry.name for entry in registry().select(kind="optimizer")]


@pytest.mark.parametrize("name", optimizers())
def test_the_bare_step_is_the_step(name):
    """Bit for bit, over several steps, for every optimizer."""
    build = zoo_registry.resolve(registry().find("optimizer", name).spec.address)
    ends = []
    for plain in (False, True):
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 1))
        optimizer = build(list(net.parameters()), lr=0.01)
        step = step_of(optimizer) if plain else optimizer.step
        for _ in range(4):
            optimizer.zero_grad()
            net(torch.ones(3, 4)).square().mean().backward()
            step()
        ends.append([parameter.detach() for parameter in net.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*ends, strict=True))


def test_what_is_hooked_into_is_called_as_it_is():
    """A hook, a scheduler's counter and a class of the user's own all see their calls."""
    parameter = nn.Parameter(torch.ones(1))
    hooked = torch.optim.SGD([parameter], lr=0.1)
    hooked.register_step_post_hook(lambda *_: None)
    counted = torch.optim.SGD([parameter], lr=0.1)
    torch.optim.lr_scheduler.ConstantLR(counted)

    class Own(torch.optim.SGD):
        pass

    class Alike:
        """Behaves as an optimizer, and is none of torch's."""

        def step(self):
            pass

    for optimizer in (hooked, counted, Own([parameter], lr=0.1), Alike()):
        assert step_of(optimizer) == optimizer.step


def test_nothing_of_torchs_is_left_changed(monkeypatch):
    """The marks are gone after the block, also after an error."""
    monkeypatch.delitem(sys.modules, "torch._dynamo", raising=False)
    method = torch.optim.Optimizer.zero_grad.__wrapped__
    before = getattr(method, _MARK, None)
    if before is None:
        with without_compiler():
            assert hasattr(method, _MARK)
        assert not hasattr(method, _MARK)
