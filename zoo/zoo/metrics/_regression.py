"""Metrics of regression: MAE, RMSE and R²."""

import math

import torch
from torch import Tensor

from ._sums import Sums, columns


class RegressionMeter(Sums):
    """Loss, mean absolute error, root mean squared error, coefficient of determination.

    Each is the mean over the targets, as scikit-learn's `uniform_average`. The targets' variance
    is merged batch by batch from means and squared deviations (T. Chan et al., "Algorithms for
    computing the sample variance", 1983), sound where the targets' mean is large beside it.
    """

    def __init__(self, device: torch.device, num_classes: int) -> None:
        super().__init__(device, num_sums=4 * num_classes)
        self._mean, self._deviation, self._squared, self._absolute = self._own.view(4, num_classes)

    def update(self, outputs: Tensor, targets: Tensor, loss: Tensor) -> None:
        """Add a batch: values (B, K), targets (B, K)."""
        outputs, targets = columns(outputs, targets)
        if not len(targets):  # a rank's share of a small batch
            return
        targets = targets.to(self._sums.dtype)
        errors = outputs.to(self._sums.dtype) - targets
        self._squared.add_(errors.square().sum(0))
        self._absolute.add_(errors.abs().sum(0))
        # Welford's algorithm, so the mean of equal targets is exact and their variance 0.
        variance, mean = torch.var_mean(targets, 0, correction=0)
        self._merge_moments(len(targets), mean, variance * len(targets))
        self._add_loss(len(targets), loss)

    def _merge_moments(self, num_samples: int, mean: Tensor, deviation: Tensor) -> None:
        """Merge the mean (K,) and the sum of squared deviations (K,) of more targets."""
        share = num_samples / (self._num_samples + num_samples)
        delta = mean - self._mean
        self._mean.add_(delta, alpha=share)
        self._deviation.add_(deviation).addcmul_(delta, delta, value=share * self._num_samples)

    def merge(self, state: Tensor) -> None:
        """Add another meter's `state()` (S,)."""
        num_samples = int(state[0])
        if num_samples:
            loss, own = state[1].to(self._sums), state[2:].to(self._sums).view(4, -1)
            mean, deviation, squared, absolute = own
            self._merge_moments(num_samples, mean, deviation)
            self._squared += squared
            self._absolute += absolute
            self._loss += loss
            self._num_samples += num_samples

    def compute(self) -> dict[str, float]:
        """Return `loss`, `mae`, `rmse` and `r2`, which is nan with fewer than two samples."""
        num_samples, loss, own = self._read()
        num_targets = len(own) // 4
        _, deviations, squared, absolute = (own[i * num_targets :][:num_targets] for i in range(4))
        r2 = [_r2(s, d) for s, d in zip(squared, deviations, strict=True)]
        return {
            "loss": loss,
            "mae": sum(absolute) / num_targets / num_samples,
            "rmse": sum(math.sqrt(s / num_samples) for s in squared) / num_targets,
            "r2": sum(r2) / num_targets if self._num_samples > 1 else math.nan,
        }


def _r2(squared: float, deviation: float) -> float:
    """Return the share of the targets' variance explained; of none, 1 if exact and 0 if not."""
    if deviation:
        return 1 - squared / deviation
    return 0.0 if squared else 1.0
