"""The learning curves of a run as a picture, drawn without a library for plots."""

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image, ImageDraw, ImageFont

Rows = Sequence[Mapping[str, Any]]
Point = tuple[float, float]

_SCALE = 2
"""Pixels for each unit of drawing: screens of today have twice as many."""
_PANEL, _HEIGHT = (380, 240)
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 16, 34, 32
_INK, _GRID, _PAPER = "#333333", "#dddddd", "#ffffff"
_COLOURS = {"train": "#3366cc", "test": "#dc5f00"}
_LONGEST_TITLE = 24
_LARGEST = 1e100
"""Numbers beyond it are not drawn, nor are those that are none."""
_FLATTEST = 1e-3
"""Share of the values that their range is at least, so that five digits tell its ticks apart."""
_DECADES = 3
"""Of values above zero that cover more, the powers of ten are drawn."""


def draw_curves(rows: Rows, monitor: str) -> bytes | None:
    """Return a PNG with the loss and the monitored metric by epoch, on both splits.

    None where there are not two epochs to draw a line between.
    """
    if len(rows) < 2:
        return None
    shown = [name for name in dict.fromkeys(("loss", monitor)) if _series(rows, name)]
    if not shown:
        return None
    image = Image.new("RGB", (_PANEL * len(shown) * _SCALE, _HEIGHT * _SCALE), _PAPER)
    draw = ImageDraw.Draw(image)
    for place, name in enumerate(shown):
        _Panel(draw, place * _PANEL, _series(rows, name)).draw(name)
    out = io.BytesIO()
    image.quantize(64).save(out, "PNG", optimize=True)
    return out.getvalue()


def _series(rows: Rows, name: str) -> dict[str, list[Point]]:
    """Return by split the epochs and the values of a metric."""
    keys = {"train": f"train_{name}", "test": name}
    found = {
        split: [
            (float(row["epoch"]), float(row[key]))
            for row in rows
            if _is_drawn(row.get(key)) and isinstance(row.get("epoch"), int)
        ]
        for split, key in keys.items()
    }
    return {split: points for split, points in found.items() if len(points) > 1}


def _is_drawn(value: Any) -> bool:
    return isinstance(value, int | float) and abs(value) < _LARGEST


class _Panel:
    """One metric's axes and lines."""

    def __init__(
        self, draw: ImageDraw.ImageDraw, left: int, series: dict[str, list[Point]]
    ) -> None:
        values = [y for line in series.values() for _, y in line]
        self._log = min(values) > 0 and max(values) / min(values) > 10**_DECADES
        if self._log:
            series = {
                split: [(x, math.log10(y)) for x, y in line] for split, line in series.items()
            }
        self._draw, self._left, self._series = draw, left, series
        points = [point for line in series.values() for point in line]
        self._x = min(x for x, _ in points), max(x for x, _ in points)
        low, high = min(y for _, y in points), max(y for _, y in points)
        middle, largest = (low + high) / 2, max(abs(low), abs(high))
        half = max((high - low) * 0.55, largest * _FLATTEST)
        half = half if half > 1 / _LARGEST else 1.0  # of less, no step can be told
        self._y = middle - half, middle + half

    def draw(self, title: str) -> None:
        """Draw all of it."""
        self._rules()
        for value, anchor in ((self._x[0], "mm"), (self._x[1], "rm")):
            x, _ = self._at((value, self._y[0]))
            self._text((x / _SCALE - self._left, _HEIGHT - _BOTTOM + 16), f"{value:g}", anchor)
        self._text(((_LEFT + _PANEL - _RIGHT) / 2, _HEIGHT - _BOTTOM + 16), "epoch", "mm")
        short = title if len(title) <= _LONGEST_TITLE else f"{title[: _LONGEST_TITLE - 1]}…"
        self._text((_LEFT, 16), short, "lm")
        for place, (split, points) in enumerate(self._series.items()):
            line = [self._at(point) for point in points]
            self._draw.line(line, fill=_COLOURS[split], width=2 * _SCALE, joint="curve")
            at = (_PANEL - _RIGHT - 44 * place, 16)
            self._text(at, split, "rm", _COLOURS[split])

    def _rules(self) -> None:
        """Draw the lines behind, each with its value."""
        values = _whole(*self._y) if self._log else _ticks(*self._y)
        shown = [10.0**value for value in values] if self._log else values
        digits = 6 if self._log else _digits(shown)
        for value, number in zip(values, shown, strict=True):
            (x0, y), (x1, _) = self._at((self._x[0], value)), self._at((self._x[1], value))
            self._draw.line([(x0, y), (x1, y)], fill=_GRID, width=_SCALE)
            self._text((x0 / _SCALE - 6 - self._left, y / _SCALE), f"{number:.{digits}g}", "rm")

    def _at(self, point: Point) -> Point:
        x = _share(point[0], *self._x) * (_PANEL - _LEFT - _RIGHT) + _LEFT + self._left
        y = _HEIGHT - _BOTTOM - _share(point[1], *self._y) * (_HEIGHT - _TOP - _BOTTOM)
        return x * _SCALE, y * _SCALE

    def _text(self, at: Point, text: str, anchor: str, fill: str = _INK) -> None:
        place = (at[0] + self._left) * _SCALE, at[1] * _SCALE
        font = ImageFont.load_default(11 * _SCALE)
        if isinstance(font, ImageFont.FreeTypeFont):
            self._draw.text(place, text, fill=fill, font=font, anchor=anchor)
        else:  # a Pillow without FreeType knows no anchors
            self._draw.text((place[0] - 3 * len(text), place[1] - 6), text, fill=fill)


def _share(value: float, low: float, high: float) -> float:
    return (value - low) / ((high - low) or 1.0)


def _ticks(low: float, high: float) -> list[float]:
    """Return three to six round numbers within a range."""
    step = 10 ** math.floor(math.log10((high - low) / 2))
    size = next(step * k for k in (1, 2, 5, 10) if (high - low) / (step * k) <= 5)
    first = math.ceil(low / size)
    return [size * k for k in range(first, math.floor(high / size) + 1)]


def _whole(low: float, high: float) -> list[float]:
    """Return up to six whole numbers within a range."""
    first, last = math.ceil(low), math.floor(high)
    return [float(n) for n in range(first, last + 1, math.ceil((last - first + 1) / 6))]


def _digits(values: Sequence[float]) -> int:
    """Return how many digits tell values apart, four at least."""
    return next((n for n in (4, 5) if len({f"{v:.{n}g}" for v in values}) == len(values)), 6)
