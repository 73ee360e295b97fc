"""Metrics of classification: accuracy and top-5 accuracy."""

import torch
from torch import Tensor

from ._sums import Sums, mismatch
from ._tasks import TOP_K

_MAX_PENDING = 1 << 14
"""Samples whose hits may wait to be counted: 512 batches of 32."""


class ClassificationMeter(Sums):
    """Loss and accuracy; `top5` where there are more than 5 classes.

    Of equal logits the first counts as the answer, as in `argmax`. Hits are counted many batches
    at a time: a reduction costs as much as the comparison it follows, on the CPU and on a GPU.
    """

    def __init__(self, device: torch.device, num_classes: int) -> None:
        super().__init__(device, num_sums=2)
        self._has_top5 = num_classes > TOP_K
        self._hits: tuple[list[Tensor], list[Tensor]] = ([], [])
        self._num_pending = 0

    def update(self, outputs: Tensor, targets: Tensor, loss: Tensor) -> None:
        """Add a batch: logits (B, K), classes (B,)."""
        if outputs.ndim != targets.ndim + 1:
            raise mismatch(outputs, targets)
        num_samples = targets.numel()
        self._add_loss(num_samples, loss)
        first, five = self._hits
        first.append(outputs.argmax(1) == targets)  # (B,)
        if self._has_top5:
            best = outputs.detach().topk(TOP_K, 1, sorted=False)[1]
            five.append(best == targets.unsqueeze(1))  # (B, 5)
        self._num_pending += num_samples
        if self._num_pending > _MAX_PENDING:
            self._count()

    def _count(self) -> None:
        """Add the pending hits to the sums."""
        for total, hits in zip(self._own, self._hits, strict=True):
            if hits:
                total.add_(torch.cat(hits).count_nonzero())
                hits.clear()
        self._num_pending = 0

    def reset(self) -> None:
        """Forget everything."""
        self._count()
        super().reset()

    def state(self) -> Tensor:
        """Return the number of samples and the sums, as one vector (S,) on the device."""
        self._count()
        return super().state()

    def compute(self) -> dict[str, float]:
        """Return `loss`, `accuracy` and, with more than 5 classes, `top5`."""
        self._count()
        num_samples, loss, (correct, in_top5) = self._read()
        metrics = {"loss": loss, "accuracy": correct / num_samples}
        return {**metrics, "top5": in_top5 / num_samples} if self._has_top5 else metrics
