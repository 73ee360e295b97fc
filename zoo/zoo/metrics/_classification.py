"""Metrics of classification: accuracy and top-5 accuracy."""

import torch
from torch import Tensor

from ._sums import Sums, mismatch
from ._tasks import TOP_K


class ClassificationMeter(Sums):
    """Loss and accuracy; `top5` where there are more than 5 classes.

    Of equal logits the first counts as the answer, as in `argmax`.
    """

    def __init__(self, device: torch.device, num_classes: int) -> None:
        super().__init__(device, num_sums=2)
        self._has_top5 = num_classes > TOP_K
        self._correct, self._in_top5 = self._own.unbind()

    def update(self, outputs: Tensor, targets: Tensor, loss: Tensor) -> None:
        """Add a batch: logits (B, K), classes (B,)."""
        if outputs.ndim != targets.ndim + 1:
            raise mismatch(outputs, targets)
        self._add_loss(targets.numel(), loss)
        self._correct.add_((outputs.argmax(1) == targets).count_nonzero())
        if self._has_top5:
            best = outputs.detach().topk(TOP_K, 1, sorted=False).indices
            self._in_top5.add_((best == targets.unsqueeze(1)).count_nonzero())

    def compute(self) -> dict[str, float]:
        """Return `loss`, `accuracy` and, with more than 5 classes, `top5`."""
        num_samples, loss, (correct, in_top5) = self._read()
        metrics = {"loss": loss, "accuracy": correct / num_samples}
        return {**metrics, "top5": in_top5 / num_samples} if self._has_top5 else metrics
