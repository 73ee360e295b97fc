"""How far a training is, and the best it has reached."""

import math
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Progress:
    """The place between two steps at which a training is."""

    epoch: int = 1
    """The one that is trained or measured, counted from 1."""
    trained: dict[str, float] | None = None
    """Its metrics on the training split, once all its steps are done."""
    best_epoch: int = 0
    """The one whose weights are the model; 0 before the first has ended."""
    best_metrics: dict[str, float] = field(default_factory=dict)
    is_over: bool = False
    """Whether it ended, after all epochs or early."""

    def state_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return dict(vars(self))

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from there."""
        vars(self).update(state_dict)

    def improves(self, metrics: dict[str, float], monitor: str, direction: str) -> bool:
        """Note the metrics of the epoch where they are the best so far; say whether they are."""
        best = self.best_metrics.get(monitor)
        value = lower_is_better(metrics[monitor], direction)
        if best is not None and value >= lower_is_better(best, direction):
            return False
        self.best_epoch, self.best_metrics = self.epoch, dict(metrics)
        return True


def lower_is_better(value: float, direction: str) -> float:
    """Return what is lower the better `value` is; NaN is worst."""
    if math.isnan(value):
        return math.inf
    return value if direction == "min" else -value
