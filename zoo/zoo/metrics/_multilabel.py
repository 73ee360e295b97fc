"""Metrics of multi-label classification: F1 and exact match."""

import math

import torch
from torch import Tensor

from ._sums import Sums, columns
from ._tasks import names


class MultilabelMeter(Sums):
    """Loss, F1 over all labels, the mean of each label's F1, and the share of samples all right.

    A label is predicted where its logit is above 0, a probability above one half. The F1 of a
    label neither present nor predicted is 0, as in scikit-learn.
    """

    def __init__(self, device: torch.device, num_classes: int) -> None:
        super().__init__(device, num_sums=1 + 3 * num_classes)
        self._exact = self._own[0]
        self._per_label = self._own[1:].view(3, num_classes)  # both, predicted, present

    def update(self, outputs: Tensor, targets: Tensor, loss: Tensor) -> None:
        """Add a batch: logits (B, K), multi-hot labels (B, K)."""
        outputs, targets = columns(outputs, targets)
        self._add_loss(len(outputs), loss)
        predicted, present = outputs > 0, targets.bool()
        self._exact.add_((predicted == present).all(1).count_nonzero())
        self._per_label.add_(torch.stack((predicted & present, predicted, present)).sum(1))

    def compute(self) -> dict[str, float]:
        """Return `loss`, `f1`, `f1_macro` and `exact_match`."""
        if not self._num_samples:
            return dict.fromkeys(names("multilabel"), math.nan)
        num_samples, loss, (exact, *counts) = self._read()
        num_labels = len(counts) // 3
        both, predicted, present = (counts[i * num_labels :][:num_labels] for i in range(3))
        each = [_f1(*label) for label in zip(both, predicted, present, strict=True)]
        return {
            "loss": loss,
            "f1": _f1(sum(both), sum(predicted), sum(present)),
            "f1_macro": sum(each) / num_labels,
            "exact_match": exact / num_samples,
        }


def _f1(both: float, predicted: float, present: float) -> float:
    """Return the harmonic mean of precision and recall from the three counts."""
    return 2 * both / (predicted + present) if predicted + present else 0.0
