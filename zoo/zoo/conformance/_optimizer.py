"""An optimizer lowers what it is given, goes on where it was, and keeps groups apart."""

import copy
import itertools
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from zoo_registry import Entry, read_signature, resolve

from ._check import Failed, Subject
from ._tensors import same
from ._varied import REFUSALS, vary

# N = samples, D = features

_STEPS = 100
_FEW = 5
"""Steps before and after a state is carried over."""
_SHARE = 1e-3
"""The rate of the slow group, as a share of the other's."""
_MOVED = 0.1
"""What the slow group may move at most, as a share of the other."""


class _Convex(nn.Module):
    """The mean of squared errors of three linear maps and a bias: convex in each and in all.

    Three matrices, for some optimizers treat the first and the last in another way than those
    between them; and a vector, for some have other rules for those.
    """

    def __init__(self) -> None:
        super().__init__()
        draw = torch.Generator().manual_seed(0)
        self.maps = nn.ParameterList(
            nn.Parameter(torch.randn(6, 8, generator=draw)) for _ in range(3)
        )
        self.bias = nn.Parameter(torch.randn(8, generator=draw))
        self.inputs = torch.randn(32, 6, generator=draw)  # (N, D)

    def forward(self) -> Tensor:
        """Return the loss; it is 0 where every weight is."""
        errors = [(self.inputs @ weight).square().mean() for weight in self.maps]
        return torch.stack([*errors, self.bias.square().mean()]).sum()


def lowers_a_loss(subject: Subject) -> str:
    """After 100 steps at its own rate a convex loss is lower than before."""
    problem = _Convex()
    optimizer = _built(subject.spec_entry, problem.parameters())
    first = _stepped(problem, optimizer, 1)
    last = first
    for _ in range(_STEPS):
        last = _stepped(problem, optimizer, 1)
        if not math.isfinite(last):
            raise Failed("the loss is not finite")
    if not last < first:
        raise Failed(f"{_STEPS} steps took the loss from {first:.4g} to {last:.4g}")
    return f"{first:.4g} to {last:.4g} in {_STEPS} steps of lr {_rate(subject.spec_entry):g}"


def at_varied_options(subject: Subject) -> str:
    """Each option takes other values: a few steps leave the loss finite, or it is refused."""

    def attempt(options: dict[str, Any]) -> None:
        problem = _Convex()
        optimizer = _built(subject.spec_entry, problem.parameters(), **options)
        if not math.isfinite(_stepped(problem, optimizer, _FEW)):
            raise Failed("the loss is not finite")

    return vary(subject, attempt, refusals=(*REFUSALS, AssertionError, RuntimeError))


def goes_on(subject: Subject) -> str:
    """A new one with its state_dict takes the very steps that it would have taken."""
    problem = _Convex()
    optimizer = _built(subject.spec_entry, problem.parameters())
    _stepped(problem, optimizer, _FEW)
    other = copy.deepcopy(problem)
    second = _built(subject.spec_entry, other.parameters())
    second.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    _stepped(problem, optimizer, _FEW)
    _stepped(other, second, _FEW)
    for one, two in zip(problem.parameters(), other.parameters(), strict=True):
        if not same(one, two):
            gap = float((one - two).abs().max())
            raise Failed(
                f"{_FEW} steps after its state_dict was loaded a weight is {gap:.1e} off: it keeps "
                "something that its state_dict lacks"
            )
    kept = sorted({str(key) for state in optimizer.state.values() for key in state})
    return f"state: {', '.join(kept)}" if kept else "no state"


def groups(subject: Subject) -> str:
    """A group with a thousandth of the rate moves less; what has no gradient does not move."""
    problem, rate = _Convex(), _rate(subject.spec_entry)
    unused = nn.Parameter(torch.ones(3))
    halves = [list(problem.maps[:1]), [*problem.maps[1:], problem.bias, unused]]
    before = [[weight.detach().clone() for weight in half] for half in halves]
    optimizer = _built(
        subject.spec_entry,
        [{"params": halves[0], "lr": rate * _SHARE}, {"params": halves[1]}],
    )
    _stepped(problem, optimizer, _FEW)
    if not same(unused, torch.ones(3)):
        raise Failed("a parameter without a gradient was changed")
    slow, quick = (
        max(float((w - b).abs().max()) for w, b in zip(half, was, strict=True))
        for half, was in zip(halves, before, strict=True)
    )
    if slow > _MOVED * quick:
        raise Failed(
            f"a group with {_SHARE:g} of the rate moved {slow:.1e}, the other {quick:.1e}: each "
            'step is to take the rate from its group, group["lr"]'
        )
    return f"moved {slow:.1e} and {quick:.1e}"


def _built(entry: Entry, parameters: Any, **options: Any) -> Any:
    """Build the optimizer at its own rate, with options.

    Raises:
        Failed: it has not what the loop uses.
    """
    builder = resolve(entry.spec.address)
    optimizer = builder(parameters, lr=_rate(entry), **entry.spec.arguments, **options)
    needed = ("step", "zero_grad", "state_dict", "load_state_dict", "param_groups", "state")
    if missing := [name for name in needed if not hasattr(optimizer, name)]:
        raise Failed(f"a {type(optimizer).__name__} has no {', '.join(missing)}")
    return optimizer


def _rate(entry: Entry) -> float:
    """Return the default of its `lr`, or what a training takes where it has none."""
    options = read_signature(entry.spec.address).options
    default = next((option.default for option in options if option.name == "lr"), None)
    return float(default) if isinstance(default, int | float) else 1e-3


def _stepped(problem: Callable[[], Tensor], optimizer: Any, steps: int) -> float:
    """Take steps; return the loss before the last one."""
    loss = torch.zeros(())
    for _ in itertools.repeat(None, steps):
        optimizer.zero_grad()
        loss = problem()
        loss.backward()
        optimizer.step()
    return float(loss)
