"""The learning curves: whatever the numbers are, there is a picture or none, and no error."""

import io

import pytest
from PIL import Image

from zoo.hub._curves import _digits, _Panel, _ticks, draw_curves


def rows(loss, accuracy=lambda epoch: 1 - 1 / epoch, count=5):
    """A history in which both are functions of the epoch."""
    return [
        {"epoch": n, "train_loss": loss(n), "loss": loss(n), "accuracy": accuracy(n)}
        for n in range(1, count + 1)
    ]


@pytest.mark.parametrize(
    ("history", "panels"),
    [
        (rows(lambda n: 1 / n), 2),
        (rows(lambda _: 0.0), 2),
        (rows(lambda _: 1e-320), 2),
        (rows(lambda n: 1e300 * n, lambda n: -(1e299 * n)), 0),
        (rows(lambda n: 1e-320 * n, lambda n: 1e99 / n), 2),
        (rows(lambda n: 10**400 * n), 1),
        (rows(lambda n: float("nan") if n == 3 else n), 2),
        (rows(lambda n: None if n > 1 else n), 1),
        (rows(lambda _: float("inf")), 1),
        (rows(lambda n: 1 / n, count=10_000), 2),
        (rows(lambda n: 1 / n, count=1), 0),
        ([], 0),
        ([{"epoch": "one", "loss": "low"}, {"epoch": None}], 0),
    ],
)
def test_any_history_is_drawn_or_is_not(history, panels):
    """Numbers that are none, or beyond measure, are left out; with no two epochs there is none."""
    picture = draw_curves(history, "accuracy")
    width = Image.open(io.BytesIO(picture)).width if picture else 0
    assert width == panels * 760


@pytest.mark.parametrize(
    ("low", "high"),
    [(0, 1), (0.999, 1.001), (123456789.0, 123456789.1), (-1e-9, 1e-9), (5, 5), (0, 0)],
)
def test_each_line_has_a_value_of_its_own(low, high):
    """Where values hardly differ, the range is widened until their digits do."""
    panel = _Panel(None, 0, {"test": [(1.0, float(low)), (2.0, float(high))]})
    ticks = _ticks(*panel._y)
    labels = [f"{value:.{_digits(ticks)}g}" for value in ticks]
    assert 2 <= len(set(labels)) == len(ticks) <= 6
    assert max(map(len, labels)) <= 10
