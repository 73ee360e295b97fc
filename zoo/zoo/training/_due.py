"""When a checkpoint is due within an epoch."""

import time

from ..parallel import Agreement
from ..recipe import Recipe


class Due:
    """Says after which steps a checkpoint is to be taken, on every rank alike.

    Args:
        recipe: `checkpoint_steps` and `checkpoint_minutes`.
        agreement: of the ranks, whose clocks differ.
    """

    def __init__(self, recipe: Recipe, agreement: Agreement) -> None:
        self._steps = recipe.checkpoint_steps
        self._seconds = 60 * recipe.checkpoint_minutes
        self._agreement = agreement
        self.reset()

    def reset(self) -> None:
        """Count the minutes from now on: a checkpoint was taken."""
        self._since = time.monotonic()

    def __call__(self, step: int) -> bool:
        """Return whether one is due after `step`; to be asked after each."""
        if self._steps and step % self._steps == 0:
            return True
        if not self._seconds:
            return False
        return self._agreement.poll(time.monotonic() - self._since > self._seconds)
