"""Batches of a split, in an order that is a pure function of (seed, epoch)."""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import torch

from ..augment import Augment
from ._arrays import ArrayDataset, resident, sent
from ._feed import Feed, Pair
from ._input import Prepare
from ._items import ItemBatches, length
from ._order import epoch_order, mix
from ._workers import has_batch

# B = batch, K = classes, labels or targets

_GROUP_SAMPLES = 1024
"""Samples prepared in one go: small batches share the cost of each call to torch."""
_GROUP_BYTES = 4 * 2**20
"""Of the samples prepared in one go, at most, as float32: more is slower, and takes memory."""


class Batch(NamedTuple):
    """What a rank is fed for one step."""

    samples: torch.Tensor
    """(B, …), on the device. No rows where a batch has fewer samples than there are ranks."""
    labels: torch.Tensor
    """(B,) or (B, K)."""
    size: int
    """Samples of the whole batch, that of all ranks."""

    @property
    def share(self) -> float:
        """B divided by the samples of the whole batch."""
        return len(self.samples) / self.size


class Augmentation(NamedTuple):
    """What is done to the samples of a training split at random."""

    augment: Augment | None
    """Changes whole batches; None: they stay as they are."""
    transform: Callable[[torch.Tensor], torch.Tensor] | None
    """Changes each sample as it is read; None: it stays as it is."""
    num_classes: int
    """K, for labels that are mixed."""


_NOTHING = Augmentation(None, None, 0)


class Batches:
    """The batches of one split, ready for the model.

    Args:
        split: map-style dataset, with or without `batch(indices)`.
        batch_size: samples per batch, over all ranks; the last one may be smaller, and is kept.
        prepare: brings a batch to the device and to the model's dtype.
        workers: processes that read items; unused where the split has `batch`.
        seed: None keeps the dataset's own order, for evaluation.
        augmentation: of the samples.
        rank: which share of each batch is this process's.
        num_ranks: shares of a batch.
    """

    def __init__(
        self,
        split: Any,
        batch_size: int,
        prepare: Prepare,
        *,
        workers: int,
        seed: int | None,
        augmentation: Augmentation = _NOTHING,
        rank: int = 0,
        num_ranks: int = 1,
    ) -> None:
        self.split = split
        self.batch_size = batch_size
        self.seed = seed
        self.num_samples = length(split)
        self._rank, self._num_ranks = rank, num_ranks
        augment, transform, num_classes = augmentation
        self._feed = Feed(prepare, augment, seed or 0, self.num_samples, num_classes)
        self._items = None
        if transform is not None or not has_batch(split):
            pin_memory = prepare.device.type == "cuda"
            self._items = ItemBatches(
                split, workers=workers, pin_memory=pin_memory, transform=transform
            )
        else:
            self._split = resident(split, prepare.device)
        self._per_group = 1 if self._items else _per_group(batch_size, prepare.spec.shape)

    def __len__(self) -> int:
        return math.ceil(self.num_samples / self.batch_size)

    def epoch(self, epoch: int = 0, start: int = 0) -> Iterator[Batch]:
        """Yield every sample once, over all ranks: this rank's share of each batch.

        Args:
            epoch: whose order and augmentation it is.
            start: how many of its batches are left out, the first ones; none of them is read.
        """
        batches = self._placed(self._order(epoch)).split(self.batch_size)
        own = batches
        if self._num_ranks > 1:
            own = tuple(batch.tensor_split(self._num_ranks)[self._rank] for batch in batches)
        sizes = map(len, batches[start:])
        for samples, labels in self._prepared(own, epoch, start):
            yield Batch(samples, labels, next(sizes))

    def indices(self, epoch: int, step: int) -> torch.Tensor:
        """Return which samples make up the batch of `step`, from 0, of all ranks: int64 (B,)."""
        return self._order(epoch)[step * self.batch_size : (step + 1) * self.batch_size]

    def read(self, indices: torch.Tensor, epoch: int = 0) -> Batch:
        """Return the samples at int64 `indices` (B,), as the epoch has them."""
        return Batch(*next(self._prepared((indices,), epoch)), len(indices))

    def head(self, num_samples: int) -> Batch:
        """Return the dataset's first samples and labels, prepared, in its own order."""
        return self.read(torch.arange(min(num_samples, self.num_samples)))

    def close(self) -> None:
        """End the worker processes, which otherwise wait for the next epoch."""
        if self._items is not None:
            self._items.close()

    def _order(self, epoch: int) -> torch.Tensor:
        if self.seed is None:
            return torch.arange(self.num_samples)
        return epoch_order(self.num_samples, self.seed, epoch)

    def _placed(self, order: torch.Tensor) -> torch.Tensor:
        """Bring an order to where the samples lie, once rather than for each batch."""
        if self._items or not isinstance(self._split, ArrayDataset):
            return order
        return sent(order, self._split.samples.device)

    def _prepared(self, own: Sequence[torch.Tensor], epoch: int, start: int = 0) -> Iterator[Pair]:
        """Yield samples and labels for the tensors of indices from `start` on.

        Several are prepared in one go, the same ones whatever `start` is: how torch rounds may
        depend on a sample's place among the others.
        """
        size = self._per_group
        first = start - start % size
        groups = [own[at : at + size] for at in range(first, len(own), size)]
        return islice(self._in_groups(groups, epoch), start - first, None)

    def _in_groups(self, groups: Sequence[Sequence[torch.Tensor]], epoch: int) -> Iterator[Pair]:
        wanted = (self._feed.wanted(torch.cat(list(group)), epoch) for group in groups)
        for group, (places, raw) in zip(groups, self._read(wanted, epoch), strict=True):
            samples, labels = self._feed(raw, places, epoch)
            sizes = [len(indices) for indices in group]
            if not sum(sizes):  # a stand-in was read
                samples, labels = samples[:0], labels[:0]
            yield from zip(samples.split(sizes), labels.split(sizes), strict=True)

    def _read(
        self, wanted: Iterator[torch.Tensor], epoch: int
    ) -> Iterator[tuple[torch.Tensor, Pair]]:
        if self._items is None:
            return ((places, self._split.batch(places)) for places in wanted)
        every = list(wanted)
        return zip(every, self._items.epoch(every, mix(self.seed or 0, epoch, 1)), strict=True)


def _per_group(batch_size: int, shape: tuple[int, ...]) -> int:
    """Return how many batches are prepared in one go, of samples of that shape.

    A function of these alone: an epoch that is gone on with must have the same groups.
    """
    sample_bytes = max(1, math.prod(shape) * torch.float32.itemsize)
    return max(1, min(_GROUP_SAMPLES, _GROUP_BYTES // sample_bytes) // batch_size)
