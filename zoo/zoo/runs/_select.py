"""Which runs are asked for, and in which order."""

import math
import operator
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from zoo_registry import InvalidOption, UsageError, nearest

from ._run import STATES as RECORDED
from ._summary import Summary

STATES = (*RECORDED, "killed", "damaged")
"""All that `Run.state` can be."""

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
}
_CONDITION = re.compile(rf"\s*([\w.-]+?)\s*({'|'.join(_COMPARISONS)})\s*(\S+)\s*")
_TEXTS = ("created", "name", "model", "dataset", "state")
_SECONDS = "seconds"


@dataclass(frozen=True)
class Condition:
    """What a metric, or the seconds that a run took, has to be: `accuracy > 0.9`."""

    key: str
    comparison: str
    value: float

    def holds(self, row: Summary) -> bool:
        """Say whether it holds of a run; of one that has no such number, it does not."""
        found = _number(row, self.key)
        return found is not None and _COMPARISONS[self.comparison](found, self.value)


def parse_condition(text: str) -> Condition:
    """Read a condition as users write it: `accuracy>0.9`.

    Raises:
        InvalidOption: it is none.
    """
    if found := _CONDITION.fullmatch(text):
        with suppress(ValueError):
            value = float(found[3])
            if not math.isnan(value):  # which nothing is, nor is it less or more
                return Condition(found[1], found[2], value)
    raise InvalidOption(
        f"{text!r} is no condition; write a metric, one of {' '.join(_COMPARISONS)}, and a number: "
        "'accuracy>0.9'"
    )


@dataclass(frozen=True, kw_only=True)
class Query:
    """Which runs are meant. What is empty asks for nothing."""

    names: Collection[str] = ()
    """Shell wildcards; one of them has to match."""
    models: Collection[str] = ()
    """Shell wildcards over the qualified or the bare name; one of them has to match."""
    datasets: Collection[str] = ()
    """Likewise."""
    states: Collection[str] = ()
    conditions: Sequence[Condition] = ()
    """All of them have to hold."""

    def matches(self, row: Summary) -> bool:
        """Say whether a run is meant."""
        return (
            (not self.states or row.state in self.states)
            and (not self.names or _any_matches(self.names, row.name))
            and (not self.models or _any_matches(self.models, row.model))
            and (not self.datasets or _any_matches(self.datasets, row.dataset))
            and all(condition.holds(row) for condition in self.conditions)
        )


def select(rows: Iterable[Summary], query: Query) -> list[Summary]:
    """Return the runs that are meant, in the order they come in.

    Raises:
        InvalidOption: a condition is on what no run has; the text says what there is.
    """
    rows = list(rows)
    for condition in query.conditions:
        _require_known(condition.key, rows, (_SECONDS,))
    return [row for row in rows if query.matches(row)]


def sort(rows: Iterable[Summary], key: str, *, reverse: bool = False) -> list[Summary]:
    """Return runs in order.

    Args:
        rows: the runs; those that are equal stay in the order they come in.
        key: a metric, the best first, and of one that zoo does not know the highest; `seconds`,
            the quickest first; `created`, the newest first; `name`, `model`, `dataset`, `state`
            by the alphabet.
        reverse: the other way round; what has no such number comes last all the same.

    Raises:
        InvalidOption: no run has such a metric; the text says what there is.
    """
    rows = list(rows)
    if key in _TEXTS:
        descending = (key == "created") != reverse
        return sorted(rows, key=lambda row: str(getattr(row, key)), reverse=descending)
    _require_known(key, rows, (*_TEXTS, _SECONDS))
    pairs = [(_number(row, key), row) for row in rows]
    numbers = [(number, row) for number, row in pairs if number is not None]
    descending = (key != _SECONDS and _higher_is_better(key)) != reverse
    numbers.sort(key=lambda pair: pair[0], reverse=descending)
    return [row for _, row in numbers] + [row for number, row in pairs if number is None]


def _any_matches(patterns: Iterable[str], name: str) -> bool:
    bare = name.rpartition("/")[2]
    return any(fnmatchcase(name, pattern) or fnmatchcase(bare, pattern) for pattern in patterns)


def _number(row: Summary, key: str) -> float | None:
    value: Any = row.seconds if key == _SECONDS else row.metrics.get(key)
    return value if isinstance(value, int | float) else None


def _require_known(key: str, rows: Iterable[Summary], others: Sequence[str]) -> None:
    """Check that a key is one of `others` or a metric that some run has, if any has some."""
    if key in others or any(key in row.metrics for row in rows):
        return
    have = dict.fromkeys(name for row in rows for name in row.metrics)
    if not have:
        return
    known = [*have, *others]
    close = nearest(key, known)
    hint = f"did you mean {close[0]}? " if close else ""
    raise InvalidOption(f"no run has {key!r}; {hint}there are: {', '.join(known)}")


def _higher_is_better(metric: str) -> bool:
    from ..metrics import direction  # here, for most lists are sorted by nothing of the kind

    try:
        return direction(metric.removeprefix("train_")) == "max"
    except UsageError:  # it comes from a plugin
        return True
