"""The conformance kit: whether a plugin keeps its side of the contract, check by check.

What is here plans checks and watches over them, and imports no torch; what a check needs is
imported where it runs.
"""

from ._apart import run_apart
from ._badge import badge
from ._check import Check, Outcome
from ._plan import plan_checks

__all__ = ["Check", "Outcome", "badge", "plan_checks", "run_apart"]
