"""Schedulers against torch's, against their formulas, and for every length of training."""

import copy
import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import SGD, lr_scheduler

from zoo_optim import plugin, schedulers
from zoo_registry import InvalidOption, resolve

BUILDERS = {spec.name: resolve(spec.address) for spec in plugin.zoo_schedulers()}
RISING = ("one-cycle", "triangle")
"""Those that rise by themselves, and so have no warm-up."""
WITH_WARMUP = [name for name in BUILDERS if name not in RISING]
LR = 0.4


def make_optimizer(*rates: float) -> SGD:
    """Return an optimizer with one group per rate; one group of rate LR where none is given."""
    groups = [{"params": [torch.zeros(2, requires_grad=True)], "lr": r} for r in rates or (LR,)]
    return SGD(groups, momentum=0.9)


def rates_of(name: str, total_steps: int, **options) -> list[float]:
    """Return the rate of each optimizer step of a training."""
    optimizer = make_optimizer()
    scheduler = BUILDERS[name](optimizer, total_steps=total_steps, **options)
    rates = []
    for _ in range(total_steps):
        rates.append(optimizer.param_groups[0]["lr"])
        scheduler.step()
    return rates


def torch_rates(count: int, cls: type, **options) -> list[float]:
    """Return the rates of `count` steps that one of torch's schedulers gives."""
    optimizer = make_optimizer()
    scheduler = cls(optimizer, **options)
    rates = []
    for step in range(count):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if step < count - 1:  # OneCycleLR refuses the step after the last
            scheduler.step()
    return rates


@given(st.integers(1, 90))
def test_constant_stays_at_the_rate_given(total):
    """Without a warm-up every step has the rate of the optimizer."""
    assert rates_of("constant", total) == [LR] * total


@given(st.integers(1, 90), st.floats(0, 1))
def test_cosine_is_torchs(total, lowest):
    """Without a warm-up it is CosineAnnealingLR over all steps."""
    expected = torch_rates(total, lr_scheduler.CosineAnnealingLR, T_max=total, eta_min=LR * lowest)
    assert rates_of("cosine", total, min_lr_factor=lowest) == pytest.approx(expected, abs=1e-9)


@given(st.integers(1, 90), st.floats(1e-6, 1))
def test_exponential_is_torchs(total, lowest):
    """It is ExponentialLR with the gamma that arrives at the share asked for."""
    expected = torch_rates(total, lr_scheduler.ExponentialLR, gamma=lowest ** (1 / total))
    assert rates_of("exponential", total, min_lr_factor=lowest) == pytest.approx(expected)


@given(st.integers(1, 20), st.integers(1, 5), st.floats(0.01, 1))
def test_step_is_torchs(size, drops, gamma):
    """Where the interval is a whole number of steps it is StepLR, to the step."""
    total = size * drops
    expected = torch_rates(total, lr_scheduler.StepLR, step_size=size, gamma=gamma)
    found = rates_of("step", total, step_fraction=1 / drops, gamma=gamma)
    assert found == pytest.approx(expected)


@given(st.integers(2, 90), st.floats(0, 1), st.floats(1, 100), st.floats(1, 1e5))
def test_one_cycle_is_torchs_where_torchs_works(total, pct_start, div, final_div):
    """With a rise of more than a step it is OneCycleLR, the peak at the rate given."""
    if not 1.01 < pct_start * total < total:
        return
    expected = torch_rates(
        total,
        lr_scheduler.OneCycleLR,
        max_lr=LR,
        total_steps=total,
        pct_start=pct_start,
        div_factor=div,
        final_div_factor=final_div,
        cycle_momentum=False,
    )
    options = {"pct_start": pct_start, "div_factor": div, "final_div_factor": final_div}
    assert rates_of("one-cycle", total, **options) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("total", "expected"),
    [(1, [1]), (2, [1, 4e-6]), (3, [1, (1 + 4e-6) / 2, 4e-6])],
)
def test_one_cycle_of_a_few_steps_starts_at_the_peak(total, expected):
    """Where there is no room to rise, the first step has the rate given."""
    assert rates_of("one-cycle", total) == pytest.approx([LR * factor for factor in expected])


def test_one_cycle_that_only_rises_ends_at_the_peak():
    """With all steps spent rising, the last has the rate given."""
    rates = rates_of("one-cycle", 20, pct_start=1.0)
    assert rates == sorted(rates)
    assert rates[-1] == LR


@given(st.integers(1, 90), st.floats(1e-3, 1), st.floats(0, 1), st.floats(0, 1))
def test_triangle_is_a_line_to_the_peak_and_one_to_the_end(total, start, pct_start, end):
    """The rates are numpy's interpolation between the three corners, the last one past the end."""
    peak = round(pct_start * total)
    corners = {0: start, peak: 1.0} | ({total: end} if peak < total else {})
    expected = LR * np.interp(range(total), list(corners), list(corners.values()))
    options = {"start_factor": start, "pct_start": pct_start, "end_factor": end}
    assert rates_of("triangle", total, **options) == pytest.approx(expected)


def test_triangle_has_the_corners_that_its_options_name():
    """A fifth at first, all of it after 23 of 100 steps, 7% once all are done."""
    optimizer = make_optimizer()
    scheduler = schedulers.triangle(optimizer, 100)
    rates = []
    for _ in range(102):
        rates.append(optimizer.param_groups[0]["lr"])
        scheduler.step()
    assert [rates[step] for step in (0, 23, 100, 101)] == pytest.approx(
        [LR * factor for factor in (0.2, 1, 0.07, 0.07)]
    )
    assert rates[:24] == sorted(rates[:24])
    assert rates[23:] == sorted(rates[23:], reverse=True)


@pytest.mark.parametrize("name", WITH_WARMUP)
def test_the_warm_up_is_linear_and_ends_at_the_rate_given(name):
    """Of 50 steps with a tenth to warm up, five rise by sixths and the sixth has the whole rate."""
    rates = rates_of(name, 50, warmup_fraction=0.1)
    assert rates[:6] == pytest.approx([LR * (step + 1) / 6 for step in range(6)])
    assert max(rates) == rates[5]


@pytest.mark.parametrize("name", WITH_WARMUP)
def test_after_the_warm_up_the_schedule_has_the_rest(name):
    """The steps after the warm-up are those of a training of that many steps without one."""
    assert rates_of(name, 50, warmup_fraction=0.2)[10:] == pytest.approx(rates_of(name, 40))


@st.composite
def schedules(draw) -> tuple[str, int, dict[str, float]]:
    """Draw a scheduler, a number of steps and options."""
    name = draw(st.sampled_from(sorted(BUILDERS)))
    options: dict[str, float] = {}
    if name in RISING:
        options["pct_start"] = draw(st.floats(0, 1))
    if name == "one-cycle":
        options["div_factor"] = draw(st.floats(1, 1e6))
    elif name == "triangle":
        options["start_factor"] = draw(st.floats(1e-9, 1))
        options["end_factor"] = draw(st.floats(0, 1))
    else:
        options["warmup_fraction"] = draw(st.floats(0, 1))
    if name == "step":
        options["step_fraction"] = draw(st.floats(1e-9, 1))
        options["gamma"] = draw(st.floats(1e-9, 1))
    return name, draw(st.integers(1, 60)), options


@given(schedules())
def test_every_rate_is_finite_and_none_above_the_one_given(schedule):
    """For every length, from one step on, and some steps beyond the end."""
    name, total, options = schedule
    optimizer = make_optimizer()
    scheduler = BUILDERS[name](optimizer, total, **options)
    rates = [optimizer.param_groups[0]["lr"]]
    for _ in range(total + 5):
        scheduler.step()
        rates.append(optimizer.param_groups[0]["lr"])
    assert all(math.isfinite(rate) and 0 <= rate <= LR * (1 + 1e-12) for rate in rates)
    assert rates[0] > 0
    assert len(set(rates[total:])) == 1


@given(schedules())
def test_groups_keep_the_ratio_of_their_rates(schedule):
    """Every group is scaled by the same factor, one with a rate of 0 stays there."""
    name, total, options = schedule
    optimizer = make_optimizer(0.3, 0.1, 0.0)
    scheduler = BUILDERS[name](optimizer, total, **options)
    for _ in range(total):
        first, second, third = (group["lr"] for group in optimizer.param_groups)
        assert first == pytest.approx(3 * second)
        assert third == 0
        scheduler.step()


@given(schedules(), st.data())
def test_resumes_exactly_from_json(schedule, data):
    """Stored as JSON at any step, it goes on with the same rates to the last bit."""
    name, total, options = schedule
    stop = data.draw(st.integers(0, total))
    values = data.draw(st.lists(st.floats(-5, 5), min_size=total, max_size=total))
    optimizer = make_optimizer(0.3, 0.1)
    scheduler = BUILDERS[name](optimizer, total, **options)
    advance(scheduler, values[:stop])
    stored = json.dumps(scheduler.state_dict(), allow_nan=False)
    optimizer_state = copy.deepcopy(optimizer.state_dict())

    optimizer_first = data.draw(st.booleans())
    resumed_optimizer = make_optimizer(0.3, 0.1)
    if optimizer_first:
        resumed_optimizer.load_state_dict(optimizer_state)
    resumed = BUILDERS[name](resumed_optimizer, total, **options)
    resumed.load_state_dict(json.loads(stored))
    if not optimizer_first:
        resumed_optimizer.load_state_dict(optimizer_state)

    for value in [*values[stop:], 0.0]:
        for group, expected in zip(
            resumed_optimizer.param_groups, optimizer.param_groups, strict=True
        ):
            assert group["lr"] == expected["lr"]
        advance(scheduler, [value])
        advance(resumed, [value])
    assert resumed.state_dict() == scheduler.state_dict()


def advance(scheduler, values: list[float]) -> None:
    """Take a step for each value and, where the scheduler listens, end an epoch with it."""
    for value in values:
        scheduler.step()
        if hasattr(scheduler, "epoch_ended"):
            scheduler.epoch_ended(value)


def test_only_plateau_listens_to_epochs():
    """The others depend on the steps alone."""
    built = {name: build(make_optimizer(), 10) for name, build in BUILDERS.items()}
    assert [name for name, s in built.items() if hasattr(s, "epoch_ended")] == ["plateau"]


@given(
    st.lists(st.floats(0.01, 100), min_size=1, max_size=40),
    st.integers(0, 4),
    st.floats(0.05, 0.95),
    st.floats(0, 0.5),
)
def test_plateau_is_torchs(values, patience, factor, threshold):
    """Without a warm-up it lowers the rate where ReduceLROnPlateau does."""
    ours, torchs = make_optimizer(), make_optimizer()
    scheduler = schedulers.plateau(
        ours, 1, factor=factor, patience=patience, threshold=threshold, min_lr_factor=0.01
    )
    reference = lr_scheduler.ReduceLROnPlateau(
        torchs, factor=factor, patience=patience, threshold=threshold, min_lr=0.01 * LR, eps=0
    )
    for value in values:
        scheduler.step()
        scheduler.epoch_ended(value)
        reference.step(value)
        assert ours.param_groups[0]["lr"] == pytest.approx(torchs.param_groups[0]["lr"])


def test_plateau_sees_a_worse_value_below_zero_as_worse():
    """An accuracy turned into -0.9, then -0.89995, is no improvement, nor is one that is NaN."""
    optimizer = make_optimizer()
    scheduler = schedulers.plateau(optimizer, 100, patience=1, factor=0.5)
    scheduler.epoch_ended(-0.9)
    scheduler.epoch_ended(-0.89995)
    assert optimizer.param_groups[0]["lr"] == LR
    scheduler.epoch_ended(math.nan)
    assert optimizer.param_groups[0]["lr"] == LR / 2


def test_plateau_lowers_the_warm_up_too():
    """A drop within the warm-up scales what is left of it."""
    optimizer = make_optimizer()
    scheduler = schedulers.plateau(optimizer, 10, patience=0, factor=0.5, warmup_fraction=0.4)
    for value in (1.0, 1.0):
        scheduler.step()
        scheduler.epoch_ended(value)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(LR * 3 / 5 * 0.5)


@pytest.mark.parametrize("name", BUILDERS)
def test_a_skipped_first_update_is_no_wrong_order(name):
    """A scheduler stepped before the optimizer, as when a scaler skips, warns of nothing."""
    optimizer = make_optimizer()
    scheduler = BUILDERS[name](optimizer, 10)
    scheduler.step()
    optimizer.step()
    scheduler.step()


@pytest.mark.parametrize("name", BUILDERS)
def test_momentum_is_left_alone(name):
    """Only rates are scheduled."""
    optimizer = make_optimizer()
    scheduler = BUILDERS[name](optimizer, 10)
    for _ in range(10):
        scheduler.step()
    assert optimizer.param_groups[0]["momentum"] == 0.9


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("constant", {"total_steps": 0}),
        ("one-cycle", {"total_steps": 0}),
        ("constant", {"warmup_fraction": 1.5}),
        ("cosine", {"warmup_fraction": -0.1}),
        ("cosine", {"min_lr_factor": 2.0}),
        ("exponential", {"min_lr_factor": 0.0}),
        ("step", {"step_fraction": 0.0}),
        ("step", {"gamma": 1.5}),
        ("one-cycle", {"pct_start": 1.5}),
        ("one-cycle", {"div_factor": 0.0}),
        ("one-cycle", {"final_div_factor": math.nan}),
        ("triangle", {"total_steps": 0}),
        ("triangle", {"start_factor": 0.0}),
        ("triangle", {"start_factor": math.nan}),
        ("triangle", {"pct_start": -0.1}),
        ("triangle", {"end_factor": 1.5}),
        ("plateau", {"factor": 1.0}),
        ("plateau", {"patience": -1}),
        ("plateau", {"threshold": -1.0}),
        ("plateau", {"min_lr_factor": -1.0}),
    ],
)
def test_options_out_of_range_are_refused(name, options):
    """The message names the option, its value and what is allowed."""
    ((option, value),) = options.items()
    with pytest.raises(InvalidOption, match=f"{option} is {value}; it must be"):
        BUILDERS[name](make_optimizer(), **{"total_steps": 10, **options})
