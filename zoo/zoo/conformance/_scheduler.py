"""A scheduler sets rates that an optimizer can use, for short trainings and long ones."""

import copy
import math
from typing import Any

import torch
from torch import nn

from zoo_registry import resolve

from ._check import Failed, Subject
from ._varied import vary

_STEPS = (1, 2, 10, 200)
"""Optimizer steps of the trainings that are tried."""
_EPOCH = 10
"""Steps after which an epoch ends."""
_RATE = 0.1


def rates(subject: Subject) -> str:
    """Every step of a training has a rate that is finite and above 0."""
    seen: list[float] = []
    for steps in _STEPS:
        seen = _run(*_begun(subject, steps), steps)
        for step, rate in enumerate(seen):
            if not math.isfinite(rate) or rate <= 0:
                raise Failed(f"of {steps} steps, step {step + 1} has a rate of {rate:g}")
    return f"{min(seen):.3g} to {max(seen):.3g} in {_STEPS[-1]} steps from lr {_RATE:g}"


def at_varied_options(subject: Subject) -> str:
    """Each option takes other values: the rates are finite, or it is refused."""
    steps = _STEPS[-1]

    def attempt(options: dict[str, Any]) -> None:
        for step, rate in enumerate(_run(*_begun(subject, steps, **options), steps)):
            if not math.isfinite(rate):
                raise Failed(f"step {step + 1} has a rate of {rate:g}")

    return vary(subject, attempt)


def goes_on(subject: Subject) -> str:
    """A new one with its state_dict, and an optimizer with its, sets the same rates."""
    steps = _STEPS[-1]
    half = steps // 2
    optimizer, scheduler = _begun(subject, steps)
    _run(optimizer, scheduler, half)
    other, second = _begun(subject, steps)
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    second.load_state_dict(copy.deepcopy(scheduler.state_dict()))
    expected, found = _run(optimizer, scheduler, half), _run(other, second, half)
    for step, (one, two) in enumerate(zip(expected, found, strict=True)):
        if one != two:
            raise Failed(f"{step + 1} steps after its state_dict was loaded: {two:g}, not {one:g}")
    return f"the same rates for {half} steps"


def _begun(subject: Subject, steps: int, **options: Any) -> tuple[torch.optim.Optimizer, Any]:
    """Return an optimizer and its scheduler, with options, at the start of a training."""
    weight = nn.Parameter(torch.ones(2))
    weight.grad = torch.zeros(2)
    optimizer = torch.optim.SGD([weight], lr=_RATE, momentum=0.9)
    spec = subject.spec_entry.spec
    builder = resolve(spec.address)
    return optimizer, builder(optimizer, total_steps=steps, **spec.arguments, **options)


def _run(optimizer: torch.optim.Optimizer, scheduler: Any, steps: int) -> list[float]:
    """Take steps; return the rate that each of them had."""
    seen = []
    for step in range(1, steps + 1):
        seen.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        scheduler.step()
        if step % _EPOCH == 0 and hasattr(scheduler, "epoch_ended"):
            scheduler.epoch_ended(1.0)
    return seen
