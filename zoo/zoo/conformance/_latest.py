"""A result that is kept for as long as the same thing is asked about."""

from collections.abc import Callable
from typing import Generic, TypeVar

from ._check import Subject

Result = TypeVar("Result")


class Latest(Generic[Result]):
    """Computes once for all checks of a spec, which follow one another; specs can't be hashed.

    Args:
        compute: given the subject. What it raises is not kept.
    """

    def __init__(self, compute: Callable[[Subject], Result]) -> None:
        self._compute = compute
        self._kept: list[tuple[Subject, Result]] = []

    def __call__(self, subject: Subject) -> Result:
        """Return what was computed for this very spec and folder, or compute it."""
        for other, result in self._kept:
            if other.entry is subject.entry and other.data_root == subject.data_root:
                return result
        self._kept.clear()  # before: the old one's data need not be in memory with the new one's
        self._kept.append((subject, self._compute(subject)))
        return self._kept[0][1]
