"""Rounds in which every side has its turn, and the ratios that come out."""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ._machine import machine, versions
from ._side import Figures, Side

ALWAYS = ("zoo-registry", "torch")
"""Distributions whose versions are told whatever is measured."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A ratio that is to be reached.

    Args:
        what: is compared, as tables show it.
        figure: the name of the figure.
        ours: the name of a side.
        theirs: names of other sides; the one that is hardest to beat counts.
        goal: the ratio at least; with `at_most`, at most.
        at_most: whether a smaller ratio is the better one.
        inverse: take theirs / ours, as for times, where half the time is twice as fast.
        requires: figures that each of our rounds must have at least, or the goal is missed.
    """

    what: str
    figure: str
    ours: str
    theirs: tuple[str, ...]
    goal: float
    at_most: bool = False
    inverse: bool = False
    requires: Mapping[str, float] = field(default_factory=dict)

    def result(self, rounds: Mapping[str, Sequence[Figures]]) -> dict[str, Any]:
        """Return the median of the rounds' ratios, and whether it reaches the goal.

        Rounds are compared each with itself, so that a machine that grows warm or is
        disturbed for a while slows both sides of a ratio. The value is None where a side was
        left out.
        """
        ratios = {
            name: self._ratio(rounds[self.ours], rounds[name])
            for name in self.theirs
            if name in rounds and self.ours in rounds
        }
        hardest = max if self.at_most else min
        against = hardest(ratios, key=lambda name: ratios[name]) if ratios else None
        value = ratios[against] if against else None
        return {
            "what": self.what,
            "figure": self.figure,
            "ours": self.ours,
            "theirs": list(self.theirs),
            "against": against,
            "at_most" if self.at_most else "at_least": self.goal,
            "value": value,
            "requires": dict(self.requires),
            "reached": None if value is None else self._reaches(value, rounds[self.ours]),
        }

    def _reaches(self, value: float, ours: Sequence[Figures]) -> bool:
        for row in ours:
            if any(row[figure] < least for figure, least in self.requires.items()):
                return False
        return value <= self.goal if self.at_most else value >= self.goal

    def _ratio(self, ours: Sequence[Figures], theirs: Sequence[Figures]) -> float:
        pairs = [(a[self.figure], b[self.figure]) for a, b in zip(ours, theirs, strict=True)]
        return statistics.median(b / a if self.inverse else a / b for a, b in pairs)


def compare(
    name: str,
    sides: Sequence[Side],
    comparisons: Sequence[Comparison],
    *,
    rounds: int,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Measure every side once a round, one after another, for several rounds.

    Args:
        name: of the benchmark.
        sides: in the order of their turns.
        comparisons: what to make of the figures.
        rounds: one or more.
        say: told what is measured, and which sides are left out.

    Returns:
        Everything measured, as JSON has it.
    """
    present = [side for side in sides if not side.missing]
    left_out = {side.name: _reason(side) for side in sides if side.missing}
    for name_left_out, reason in left_out.items():
        say(f"without {name_left_out}: {reason}")
    measured: dict[str, list[Figures]] = {side.name: [] for side in present}
    for number in range(rounds):
        for side in present:
            figures = side.measure(number)
            measured[side.name].append(figures)
            told = ", ".join(f"{figure} {value:,.4g}" for figure, value in figures.items())
            say(f"round {number + 1} of {rounds}: {side.name}: {told}")
    return {
        "benchmark": name,
        "machine": machine(),
        "versions": versions([*ALWAYS, *_needed(sides)]),
        "rounds": rounds,
        "sides": {
            side.name: {
                "settings": dict(side.settings),
                "rounds": measured[side.name],
                "median": _medians(measured[side.name]),
            }
            for side in present
        },
        "left_out": left_out,
        "comparisons": [comparison.result(measured) for comparison in comparisons],
    }


def _reason(side: Side) -> str:
    return f"{' and '.join(side.missing)} is not installed; pip install -e '.[bench]' brings it"


def _needed(sides: Iterable[Side]) -> list[str]:
    return sorted({name for side in sides for name in side.needs})


def _medians(rounds: Sequence[Figures]) -> Figures:
    return {name: statistics.median(row[name] for row in rounds) for name in rounds[0]}
