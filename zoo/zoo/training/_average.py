"""An exponential moving average of the weights."""

from collections.abc import Iterator
from contextlib import contextmanager

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

    @torch.no_grad()
    def update(self) -> None:
        """Move towards the newest weights; called after each step."""
        self._step += 1
        decay = min(self.decay, (1 + self._step) / (10 + self._step))
        torch._foreach_lerp_(self._mean, self._live, 1 - decay)

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
