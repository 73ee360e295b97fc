"""What the mean of a loss divides by, where that is not the number of samples."""

from collections.abc import Callable

import torch
from torch import nn

# B = batch, K = classes


def loss_weight(criterion: nn.Module) -> Callable[[torch.Tensor], torch.Tensor] | None:
    """Return the function from labels (B,) to the divisor () of their mean; None: it is B.

    torch's cross-entropy with a factor for each class divides by the factors of the batch's
    labels. To put means of parts together again one has to know those.
    """
    if not isinstance(criterion, nn.CrossEntropyLoss | nn.NLLLoss) or criterion.weight is None:
        return None
    weight = criterion.weight

    def divisor(labels: torch.Tensor) -> torch.Tensor:
        if labels.is_floating_point():  # of probabilities (B, K) torch divides by their number
            return weight.new_tensor(len(labels))
        return weight[labels].sum()

    return divisor
