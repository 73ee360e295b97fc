"""An exponential moving average of the weights."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn


class Average:
    """Weights averaged over the steps of a training, measured and stored in place of the last.

    After step t (from 1) the average moves by `1 - min(decay, (1 + t) / (10 + t))` of the way to
    the newest weights, so that the first steps do not weigh on it for long (the warm-up of
    TensorFlow's ExponentialMovingAverage). Buffers of floats, such as running statistics, are
    averaged too; others are taken as they are.

    Args:
        model: trained in place.
        decay: above 0, below 1.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self._step = 0
        tensors = [*model.parameters(), *model.buffers()]
        self._live = [t.detach() for t in tensors if t.is_floating_point()]
        self._mean = [t.clone() for t in self._live]
        # torch changes many at once, but not those spread over ranks together with others.
        self._pairs = [
            ([m for m in self._mean if type(m) is kind], [t for t in self._live if type(t) is kind])
            for kind in dict.fromkeys(map(type, self._live))
        ]

    @torch.no_grad()
    def update(self) -> None:
        """Move towards the newest weights; called after each step."""
        self._step += 1
        decay = min(self.decay, (1 + self._step) / (10 + self._step))
        for means, lives in self._pairs:
            torch._foreach_lerp_(means, lives, 1 - decay)

    def state_dict(self) -> dict[str, Any]:
        """Return the averages, which the next `update` changes, and the steps they are over."""
        return {"step": self._step, "mean": self._mean}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from there."""
        self._step = state_dict["step"]
        _copy(self._mean, state_dict["mean"])

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Let the model have the averaged weights inside the block."""
        newest = [t.clone() for t in self._live]
        _copy(self._live, self._mean)
        try:
            yield
        finally:
            _copy(self._live, newest)


@torch.no_grad()
def _copy(targets: list[torch.Tensor], sources: list[torch.Tensor]) -> None:
    for target, source in zip(targets, sources, strict=True):
        target.copy_(source)
