"""All ranks leave the loop at the same step, though a signal reaches each at another one."""

import time

import torch

from ._strategy import Strategy

SECONDS = 0.25
"""How often the ranks exchange whether one of them wants to stop, about."""
MOST_CALLS = 1000
"""Calls of `poll` between two exchanges, at most."""


class Agreement:
    """Whether some rank has seen a reason to stop, answered alike on all of them.

    If one rank left the loop alone, the others would wait for its gradients for ever. To ask
    before each step would cost a message a step, so that the ranks ask at every n-th, n from the
    slowest rank's time between two exchanges, which all of them learn with the flag.

    Args:
        strategy: of the training.
    """

    def __init__(self, strategy: Strategy) -> None:
        self._strategy = strategy
        self._every = 1
        self._calls = 0
        self._since: float | None = None

    def poll(self, flag: bool) -> bool:
        """Return whether the ranks asked each other just now, and `flag` was true on one of them.

        To be called once a step by every rank; collective now and then. For one rank it is
        `flag` itself.
        """
        if self._strategy.num_ranks == 1:
            return flag
        self._calls += 1
        return self._calls >= self._every and self._exchange(flag)

    def _exchange(self, flag: bool) -> bool:
        """Ask all ranks; choose from their common answer how many calls to let pass."""
        now = time.monotonic()
        seconds = 0.0 if self._since is None else (now - self._since) / self._calls
        facts = torch.tensor([float(flag), seconds], dtype=torch.float64)
        wanted, total = self._strategy.sum(facts).tolist()
        mean = total / self._strategy.num_ranks
        known = self._since is not None and mean > 0
        self._every = max(1, min(MOST_CALLS, int(SECONDS / mean))) if known else 1
        self._calls, self._since = 0, now
        return bool(wanted > 0)
