"""Batches of a split, in an order that is a pure function of (seed, epoch)."""

import math
from collections.abc import Iterator
from typing import Any

import torch

from ._input import Prepare
from ._items import Batch, ItemBatches, collate, has_batch, length, read_item
from ._order import epoch_order, mix


class Batches:
    """The batches of one split, ready for the model.

    Args:
        split: map-style dataset, with or without `batch(indices)`.
        batch_size: samples per batch; the last one may be smaller, and is kept.
        prepare: brings a batch to the device and to the model's dtype.
        workers: processes that read items; unused where the split has `batch`.
        seed: None keeps the dataset's own order, for evaluation.
    """

    def __init__(
        self, split: Any, batch_size: int, prepare: Prepare, *, workers: int, seed: int | None
    ) -> None:
        self.split = split
        self.batch_size = batch_size
        self.prepare = prepare
        self.seed = seed
        self.num_samples = length(split)
        pin_memory = prepare.device.type == "cuda"
        self._items = (
            None if has_batch(split) else ItemBatches(split, workers=workers, pin_memory=pin_memory)
        )

    def __len__(self) -> int:
        return math.ceil(self.num_samples / self.batch_size)

    def epoch(self, epoch: int = 0) -> Iterator[Batch]:
        """Yield every sample once: (samples (B, …), labels (B,) or (B, K)) on the device."""
        for samples, labels in self._read(epoch):
            yield self.prepare.samples(samples), self.prepare.labels(labels)

    def close(self) -> None:
        """End the worker processes, which otherwise wait for the next epoch."""
        if self._items is not None:
            self._items.close()

    def head(self, num_samples: int) -> Batch:
        """Return the dataset's first samples and labels, prepared, in its own order."""
        indices = torch.arange(min(num_samples, self.num_samples))
        if self._items is None:
            samples, labels = self.split.batch(indices)
        else:
            samples, labels = collate([read_item(self.split, index) for index in indices.tolist()])
        return self.prepare.samples(samples), self.prepare.labels(labels)

    def _read(self, epoch: int) -> Iterator[Batch]:
        if self.seed is None:
            order = torch.arange(self.num_samples)
        else:
            order = epoch_order(self.num_samples, self.seed, epoch)
        index_batches = order.split(self.batch_size)
        if self._items is None:
            return map(self.split.batch, index_batches)
        return self._items.epoch(list(index_batches), mix(self.seed or 0, epoch, 1))
