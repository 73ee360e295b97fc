"""Schedulers: `build(optimizer, total_steps, **options)`, stepped after every optimizer step.

All options that measure time are shares of `total_steps`, so that they hold for any number of
epochs and any batch size. A warm-up of W steps raises the rate linearly, from 1/(W + 1) of the
rate given at the first step to all of it at step W + 1; no step is wasted on a rate of 0.
Momentum is left alone, by one-cycle too. After the last step the rates stay as they are.
"""

import math
from collections.abc import Callable

from torch.optim import Optimizer

from zoo_registry import InvalidOption

from ._schedule import PlateauSchedule, Schedule


def constant(optimizer: Optimizer, total_steps: int, warmup_fraction: float = 0.0) -> Schedule:
    """Return a schedule that stays at the rate given.

    Args:
        optimizer: Its groups' rates are what is scheduled.
        total_steps: Optimizer steps of the whole training; at least 1.
        warmup_fraction: Share of all steps spent on the warm-up; 0.1 = the first tenth.

    Raises:
        InvalidOption: an option out of its range.
    """
    return Schedule(optimizer, _with_warmup(total_steps, warmup_fraction, lambda _: 1.0))


def step(
    optimizer: Optimizer,
    total_steps: int,
    step_fraction: float = 1 / 3,
    gamma: float = 0.1,
    warmup_fraction: float = 0.0,
) -> Schedule:
    """Return a schedule that lowers the rate by `gamma` at regular intervals.

    Args:
        optimizer: Its groups' rates are what is scheduled.
        total_steps: Optimizer steps of the whole training; at least 1.
        step_fraction: Share of the steps after the warm-up between two drops, in (0, 1].
        gamma: What the rate is multiplied by at each drop, in (0, 1].
        warmup_fraction: Share of all steps spent on the warm-up; 0.1 = the first tenth.

    Raises:
        InvalidOption: an option out of its range.
    """
    _require("step_fraction", step_fraction, 0 < step_fraction <= 1, "above 0, at most 1")
    _require("gamma", gamma, 0 < gamma <= 1, "above 0, at most 1")

    def shape(progress: float) -> float:
        # 1e-9: three times a third of the steps is all of them, whatever rounding says
        return gamma ** math.floor(progress / step_fraction + 1e-9)

    return Schedule(optimizer, _with_warmup(total_steps, warmup_fraction, shape))


def cosine(
    optimizer: Optimizer,
    total_steps: int,
    min_lr_factor: float = 0.0,
    warmup_fraction: float = 0.0,
) -> Schedule:
    """Return a schedule that falls along half a cosine.

    I. Loshchilov & F. Hutter, "SGDR", 2017, https://arxiv.org/abs/1608.03983, without restarts.

    Args:
        optimizer: Its groups' rates are what is scheduled.
        total_steps: Optimizer steps of the whole training; at least 1.
        min_lr_factor: Share of the rate given that is left after the last step, in [0, 1].
        warmup_fraction: Share of all steps spent on the warm-up; 0.1 = the first tenth.

    Raises:
        InvalidOption: an option out of its range.
    """
    _require("min_lr_factor", min_lr_factor, 0 <= min_lr_factor <= 1, "from 0 to 1")

    def shape(progress: float) -> float:
        return _cosine_between(1.0, min_lr_factor, progress)

    return Schedule(optimizer, _with_warmup(total_steps, warmup_fraction, shape))


def exponential(
    optimizer: Optimizer,
    total_steps: int,
    min_lr_factor: float = 0.01,
    warmup_fraction: float = 0.0,
) -> Schedule:
    """Return a schedule that falls by the same factor at every step.

    Args:
        optimizer: Its groups' rates are what is scheduled.
        total_steps: Optimizer steps of the whole training; at least 1.
        min_lr_factor: Share of the rate given that is left after the last step, in (0, 1].
        warmup_fraction: Share of all steps spent on the warm-up; 0.1 = the first tenth.

    Raises:
        InvalidOption: an option out of its range.
    """
    _require("min_lr_factor", min_lr_factor, 0 < min_lr_factor <= 1, "above 0, at most 1")

    def shape(progress: float) -> float:
        return float(min_lr_factor**progress)

    return Schedule(optimizer, _with_warmup(total_steps, warmup_fraction, shape))


def one_cycle(
    optimizer: Optimizer,
    total_steps: int,
    pct_start: float = 0.3,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
) -> Schedule:
    """Return the one-cycle schedule: up to the rate given, then down, both along a cosine.

    The rise is its warm-up. L. Smith & N. Topin, "Super-Convergence", 2018,
    https://arxiv.org/abs/1708.07120; the rates are those of torch's
    `OneCycleLR(max_lr=lr, cycle_momentum=False)`, which fails where the rise has one step or
    less: there the first step has the rate given.

    Args:
        optimizer: Its groups' rates are the peaks.
        total_steps: Optimizer steps of the whole training; at least 1.
        pct_start: Share of all steps spent rising, in [0, 1].
        div_factor: The first rate is the peak divided by it; above 0.
        final_div_factor: The last rate is the first divided by it; above 0.

    Raises:
        InvalidOption: an option out of its range.
    """
    _require("total_steps", total_steps, total_steps >= 1, "at least 1")
    _require("pct_start", pct_start, 0 <= pct_start <= 1, "from 0 to 1")
    _require("div_factor", div_factor, 0 < div_factor < math.inf, "above 0")
    _require("final_div_factor", final_div_factor, 0 < final_div_factor < math.inf, "above 0")
    first, final = 1 / div_factor, 1 / div_factor / final_div_factor
    last = total_steps - 1
    peak = max(pct_start * total_steps - 1, 0.0)

    def factor(steps: int) -> float:
        steps = min(steps, last)
        if steps < peak:
            return _cosine_between(first, 1.0, steps / peak)
        return _cosine_between(1.0, final, (steps - peak) / (last - peak) if peak < last else 0.0)

    return Schedule(optimizer, factor)


def plateau(
    optimizer: Optimizer,
    total_steps: int,
    factor: float = 0.1,
    patience: int = 3,
    threshold: float = 1e-4,
    min_lr_factor: float = 0.0,
    warmup_fraction: float = 0.0,
) -> PlateauSchedule:
    """Return a schedule that lowers the rate when the monitored value stops improving.

    Torch's `ReduceLROnPlateau` with a warm-up; its patience there is 10 epochs.

    Args:
        optimizer: Its groups' rates are what is scheduled.
        total_steps: Optimizer steps of the whole training; at least 1.
        factor: What the rate is multiplied by each time, in (0, 1).
        patience: Epochs without improvement that are let pass; at least 0.
        threshold: Relative improvement that counts as one; at least 0.
        min_lr_factor: Share of the rate given below which it never falls, in [0, 1].
        warmup_fraction: Share of all steps spent on the warm-up; 0.1 = the first tenth.

    Raises:
        InvalidOption: an option out of its range.
    """
    _require("factor", factor, 0 < factor < 1, "above 0, below 1")
    _require("patience", patience, patience >= 0, "at least 0")
    _require("threshold", threshold, 0 <= threshold < math.inf, "at least 0")
    _require("min_lr_factor", min_lr_factor, 0 <= min_lr_factor <= 1, "from 0 to 1")
    return PlateauSchedule(
        optimizer,
        _with_warmup(total_steps, warmup_fraction, lambda _: 1.0),
        drop=factor,
        patience=patience,
        threshold=threshold,
        lowest=min_lr_factor,
    )


def triangle(
    optimizer: Optimizer,
    total_steps: int,
    start_factor: float = 0.2,
    pct_start: float = 0.23,
    end_factor: float = 0.07,
) -> Schedule:
    """Return a schedule that rises to the rate given, then falls, both along a straight line.

    The rise is its warm-up. The defaults are those of K. Jordan, "94% on CIFAR-10 in 3.29 Seconds
    on a Single GPU", 2024, https://arxiv.org/abs/2404.00498.

    Args:
        optimizer: Its groups' rates are the peaks.
        total_steps: Optimizer steps of the whole training; at least 1.
        start_factor: Share of the rate given at the first step, above 0, at most 1.
        pct_start: Share of all steps spent rising, in [0, 1]; at 0 the first step has the peak.
        end_factor: Share of the rate given that is left after the last step, in [0, 1].

    Raises:
        InvalidOption: an option out of its range.
    """
    _require("total_steps", total_steps, total_steps >= 1, "at least 1")
    _require("start_factor", start_factor, 0 < start_factor <= 1, "above 0, at most 1")
    _require("pct_start", pct_start, 0 <= pct_start <= 1, "from 0 to 1")
    _require("end_factor", end_factor, 0 <= end_factor <= 1, "from 0 to 1")
    peak = round(pct_start * total_steps)

    def factor(steps: int) -> float:
        steps = min(steps, total_steps)
        if steps < peak:
            return start_factor + (1 - start_factor) * steps / peak
        fallen = (steps - peak) / (total_steps - peak) if peak < total_steps else 0.0
        return 1 + (end_factor - 1) * fallen

    return Schedule(optimizer, factor)


def _with_warmup(
    total_steps: int, warmup_fraction: float, shape: Callable[[float], float]
) -> Callable[[int], float]:
    """Return the factor after a number of steps: warm-up, then `shape` of the rest's progress.

    `shape` maps the share of the steps after the warm-up, in [0, 1], to a factor.
    """
    _require("total_steps", total_steps, total_steps >= 1, "at least 1")
    _require("warmup_fraction", warmup_fraction, 0 <= warmup_fraction <= 1, "from 0 to 1")
    warmup_steps = round(warmup_fraction * total_steps)

    def factor(steps: int) -> float:
        if steps < warmup_steps:
            return (steps + 1) / (warmup_steps + 1)
        if steps >= total_steps:
            return shape(1.0)
        return shape((steps - warmup_steps) / (total_steps - warmup_steps))

    return factor


def _cosine_between(start: float, end: float, progress: float) -> float:
    """Return the value on the half cosine from `start` to `end`, for `progress` in [0, 1]."""
    return end + (start - end) * (1 + math.cos(math.pi * progress)) / 2


def _require(name: str, value: float, holds: bool, allowed: str) -> None:
    if not holds:
        raise InvalidOption(f"the scheduler's {name} is {value}; it must be {allowed}")
