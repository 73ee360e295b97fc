"""From samples as a dataset has them to what the model takes: moved, augmented, normalised."""

import torch

from ..augment import Augment, soft
from ._arrays import sent
from ._input import Prepare

# B = batch, K = classes

Pair = tuple[torch.Tensor, torch.Tensor]


class Feed:
    """Prepares batches of one split.

    Args:
        prepare: brings a batch to the device and to the model's dtype.
        augment: changes samples; None: they stay as they are.
        seed: of the augmentation.
        num_samples: of the split.
        num_classes: K, for labels that are mixed.
    """

    def __init__(
        self,
        prepare: Prepare,
        augment: Augment | None,
        seed: int,
        num_samples: int,
        num_classes: int,
    ) -> None:
        self._prepare = prepare
        self._augment = augment
        self._seed = seed
        self._num_samples = num_samples
        self._num_classes = num_classes

    def wanted(self, indices: torch.Tensor, epoch: int) -> torch.Tensor:
        """Return which samples to read for those at `indices` (B,): these, and their partners.

        One at least, for nothing can be collated from no item.
        """
        if not len(indices):
            indices = indices.new_zeros(1)
        if self._augment is None:
            return indices
        partners = self._augment.partners(indices, self._seed, epoch, self._num_samples)
        return indices if partners is None else torch.cat([indices, partners])

    def __call__(self, raw: Pair, wanted: torch.Tensor, epoch: int) -> Pair:
        """Prepare what was read at `wanted`: samples (B, …), labels (B,) or (B, K)."""
        samples, labels = self._prepare.move(raw[0]), self._prepare.labels(raw[1])
        if self._augment is None:
            return self._prepare.convert(samples), labels
        places = sent(wanted, samples.device)
        samples = self._augment.raw(samples, places, self._seed, epoch)
        samples = self._prepare.convert(samples)
        samples = self._augment.erased(samples, places, self._seed, epoch)
        if not self._augment.mixes:
            return samples, labels
        half = len(places) // 2
        targets = soft(
            labels, self._num_classes, torch.float32
        )  # in halves they would not sum to 1
        return self._augment.mixed(
            samples[:half],
            targets[:half],
            samples[half:],
            targets[half:],
            places[:half],
            self._seed,
            epoch,
        )
