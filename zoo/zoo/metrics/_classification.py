"""Metrics of classification: accuracy and top-5 accuracy."""

from typing import Any

import torch
from torch import Tensor

from ._sums import MAX_PENDING, Sums, mismatch
from ._tasks import TOP_K

_MAX_LOGITS = 1 << 17
"""Logits that may wait to be looked at: 64 batches of 32 with 64 classes."""


class ClassificationMeter(Sums):
    """Loss and accuracy; `top5` where there are more than 5 classes.

    Of equal logits the first counts as the answer, as in `argmax`. Batches are looked at many at
    a time: on small ones a call to torch costs more than what it computes, on a GPU as on a CPU.
    """

    def __init__(self, device: torch.device, num_classes: int) -> None:
        super().__init__(device, num_sums=2)
        self._has_top5 = num_classes > TOP_K
        self._pending: list[tuple[Tensor, Tensor]] = []
        self._num_logits = 0

    def update(self, outputs: Tensor, targets: Tensor, loss: Tensor) -> None:
        """Add a batch: logits (B, K), classes (B,) or, of mixed samples, their shares (B, K)."""
        if targets.ndim == outputs.ndim and targets.is_floating_point():
            targets = targets.argmax(1)
        if outputs.ndim != targets.ndim + 1:
            raise mismatch(outputs, targets)
        self._add_loss(targets.numel(), loss)
        outputs = outputs.detach()
        # A CUDA graph writes the next step's outputs where these are.
        self._pending.append((outputs.clone() if outputs.is_cuda else outputs, targets))
        self._num_logits += outputs.numel()
        if len(self._pending) == MAX_PENDING or self._num_logits > _MAX_LOGITS:
            self._count()

    def _count(self) -> None:
        """Add the pending batches to the sums."""
        if not self._pending:
            return
        outputs, targets = (torch.cat(parts) for parts in zip(*self._pending, strict=True))
        correct, in_top5 = self._own
        correct.add_((outputs.argmax(1) == targets).count_nonzero())
        if self._has_top5:
            best = outputs.topk(TOP_K, 1, sorted=False)[1]  # (N, 5)
            in_top5.add_((best == targets.unsqueeze(1)).count_nonzero())
        self._pending.clear()
        self._num_logits = 0

    def reset(self) -> None:
        """Forget everything."""
        self._count()
        super().reset()

    def state(self) -> Tensor:
        """Return the number of samples and the sums, as one vector (S,) on the device."""
        self._count()
        return super().state()

    def state_dict(self) -> dict[str, Any]:
        """Return all that it holds; counts are whole numbers, so that they are summed up first."""
        self._count()
        return super().state_dict()

    def compute(self) -> dict[str, float]:
        """Return `loss`, `accuracy` and, with more than 5 classes, `top5`."""
        self._count()
        num_samples, loss, (correct, in_top5) = self._read()
        metrics = {"loss": loss, "accuracy": correct / num_samples}
        return {**metrics, "top5": in_top5 / num_samples} if self._has_top5 else metrics
