"""One of the things that are measured beside each other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

Figures = dict[str, float]
"""What one round measured, by name: `samples/s`, `seconds`, `MiB`."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """A way of doing the work, and how to measure it once.

    Args:
        name: as tables show it; unique among the sides of a comparison.
        measure: does the work in a fresh process; told the round's number, from 0.
        needs: distributions without which it is left out.
        settings: what a reader should know of how it was run.
    """

    name: str
    measure: Callable[[int], Figures]
    needs: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def missing(self) -> tuple[str, ...]:
        """What it needs and is not installed."""
        return tuple(name for name in self.needs if installed(name) is None)


def installed(distribution: str) -> str | None:
    """Return the version of a distribution, None where it is not installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
