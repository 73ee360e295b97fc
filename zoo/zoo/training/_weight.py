"""Losses whose mean divides by something else than the number of samples."""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

# B = batch, K = classes

Divisor = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Summed:
    """A loss as a sum, and what its mean divides by: means of parts can't be put together again.

    A part may well have a divisor of 0, and no mean.
    """

    loss: nn.Module
    """The sum over a batch: outputs (B, K), labels (B,) or (B, K) to ()."""
    divisor: Divisor
    """Maps labels (B,) or (B, K) to what a mean over them divides by: ()."""


def summed(criterion: nn.Module) -> Summed | None:
    """Return a loss in that form; None: its mean divides by the number of samples.

    torch's cross-entropy divides by the factors of the batch's labels where each class has one,
    and leaves out those of `ignore_index`.
    """
    if not isinstance(criterion, nn.CrossEntropyLoss | nn.NLLLoss):
        return None
    weight, ignored = criterion.weight, criterion.ignore_index
    if weight is None and ignored < 0:
        return None
    loss: nn.Module = copy.copy(criterion)
    vars(loss)["reduction"] = "sum"

    def divisor(labels: torch.Tensor) -> torch.Tensor:
        if labels.is_floating_point():  # of probabilities (B, K) torch divides by their number
            return labels.new_tensor(len(labels))
        counted = labels != ignored
        factors = counted if weight is None else weight[labels] * counted
        return factors.sum().to(torch.float32 if weight is None else weight.dtype)

    if not _is_sum(loss, criterion, divisor):
        loss = _Multiplied(criterion, divisor)
    return Summed(loss, divisor)


class _Multiplied(nn.Module):
    """A sum from a mean, for a loss that knows no other; NaN where the divisor is 0."""

    def __init__(self, mean: nn.Module, divisor: Divisor) -> None:
        super().__init__()
        self._mean = mean
        self._divisor = divisor

    def forward(self, outputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        product: torch.Tensor = self._mean(outputs, labels) * self._divisor(labels)
        return product


@torch.no_grad()
def _is_sum(loss: nn.Module, mean: nn.Module, divisor: Divisor) -> bool:
    """Try whether a subclass heeds what it is asked to sum, on an example."""
    ignored, weight = int(mean.ignore_index), mean.weight  # type: ignore[arg-type]
    num_classes = len(weight) if isinstance(weight, torch.Tensor) else ignored + 2
    like = weight if isinstance(weight, torch.Tensor) else torch.zeros(())
    labels = torch.arange(num_classes, device=like.device)
    outputs = torch.eye(num_classes, dtype=like.dtype, device=like.device).log_softmax(1)
    expected = mean(outputs, labels) * divisor(labels)
    return torch.allclose(loss(outputs, labels), expected, equal_nan=True)
