"""The net, the optimizer and the clock that all sides share."""

import statistics
import time

import torch
from torch import nn

BATCH_SIZE = 32
MEAN, STD = 0.1307, 0.3081
"""Of MNIST's training images, scaled to 0..1."""


def mlp() -> nn.Sequential:
    """Return 784-64-10, for images (B, 1, 28, 28) or rows (B, 784)."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))


def adam(net: nn.Module, *, fused: bool = True) -> torch.optim.Adam:
    """Return the optimizer of every side: they differ in what is around it."""
    return torch.optim.Adam(net.parameters(), lr=1e-3, fused=fused)


class Clock:
    """Notes when each epoch ends; what lies before the end of the first is warming up."""

    def __init__(self) -> None:
        self._ends: list[float] = []

    def epoch_ended(self) -> None:
        """Note the time."""
        self._ends.append(time.perf_counter())

    def figures(self, num_samples: int) -> dict[str, float]:
        """Return the median speed of all epochs but the first, in samples/s."""
        durations = [b - a for a, b in zip(self._ends, self._ends[1:], strict=False)]
        return {"samples/s": num_samples / statistics.median(durations)}
