"""The rate of every parameter group as a function of the optimizer steps taken."""

import math
from collections.abc import Callable
from typing import Any

from torch.optim import Optimizer


class Schedule:
    """Each group's own rate times one factor, which depends on the steps taken only.

    Has the `step`, `state_dict` and `load_state_dict` of torch's `LRScheduler` without being one:
    that replaces the optimizer's `step` to warn of a wrong order, and so warns for nothing where
    a gradient scaler skips the first update.

    Args:
        optimizer: Its groups' rates now are what the factor multiplies.
        factor: Maps the steps taken, 0 for the first, to a finite number that is not negative.
    """

    def __init__(self, optimizer: Optimizer, factor: Callable[[int], float]) -> None:
        self._optimizer = optimizer
        self._factor = factor
        self._steps = 0
        self._base_lrs = [float(group["lr"]) for group in optimizer.param_groups]
        self._apply()

    def step(self) -> None:
        """Set the rates of the next optimizer step."""
        self._steps += 1
        self._apply()

    def state_dict(self) -> dict[str, Any]:
        """Return what resuming needs, as JSON can hold it."""
        return {"steps": self._steps, "base_lrs": list(self._base_lrs)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on where `state_dict` was taken, before or after the optimizer's own is loaded."""
        self._steps = state_dict["steps"]
        self._base_lrs = list(state_dict["base_lrs"])
        self._apply()

    def _apply(self) -> None:
        factor = self._current_factor()
        for group, base_lr in zip(self._optimizer.param_groups, self._base_lrs, strict=True):
            group["lr"] = base_lr * factor

    def _current_factor(self) -> float:
        return self._factor(self._steps)


class PlateauSchedule(Schedule):
    """A schedule that is also lowered when a value stops improving.

    Args:
        optimizer: As for `Schedule`.
        factor: As for `Schedule`.
        drop: What the rates are multiplied by each time.
        patience: Epochs without improvement that are let pass.
        threshold: Relative improvement that counts as one.
        lowest: Below this factor, warm-up aside, the rates are not lowered.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        factor: Callable[[int], float],
        *,
        drop: float,
        patience: int,
        threshold: float,
        lowest: float,
    ) -> None:
        self._drop = drop
        self._patience = patience
        self._threshold = threshold
        self._lowest = lowest
        self._scale = 1.0
        self._best: float | None = None
        self._bad_epochs = 0
        super().__init__(optimizer, factor)

    def epoch_ended(self, value: float) -> None:
        """Be told the monitored value, lower is better; not a number counts as no better."""
        if self._is_better(value):
            self._best, self._bad_epochs = float(value), 0
            return
        self._bad_epochs += 1
        if self._bad_epochs > self._patience:
            self._scale, self._bad_epochs = max(self._scale * self._drop, self._lowest), 0
            self._apply()

    def state_dict(self) -> dict[str, Any]:
        """Return what resuming needs, as JSON can hold it; `best` is null before the first."""
        mine = {"scale": self._scale, "best": self._best, "bad_epochs": self._bad_epochs}
        return {**super().state_dict(), **mine}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on where `state_dict` was taken."""
        self._scale = state_dict["scale"]
        self._best = state_dict["best"]
        self._bad_epochs = state_dict["bad_epochs"]
        super().load_state_dict(state_dict)

    def _is_better(self, value: float) -> bool:
        if not math.isfinite(value):
            return False
        if self._best is None:
            return True
        # abs: torch's best * (1 - threshold) takes a worse value for better where best < 0
        return value < self._best - self._threshold * abs(self._best)

    def _current_factor(self) -> float:
        return super()._current_factor() * self._scale
