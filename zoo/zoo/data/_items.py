"""Batches from datasets that give one item at a time: any `torch.utils.data.Dataset`."""

from collections.abc import Callable, Iterator, Sequence, Sized
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from zoo_registry import BadSample, InvalidData, ZooError

from ._arrays import as_tensor
from ._order import generator
from ._seeding import as_in_a_worker, seed_sample
from ._watch import Watch
from ._workers import forking, ignore, ignored_stops, stops_held

Pair = tuple[torch.Tensor, torch.Tensor]
"""One (sample, label), or a batch of them."""

Transform = Callable[[torch.Tensor], torch.Tensor]


class ItemBatches:
    """Batches of a map-style dataset through torch's DataLoader, in an order given per epoch.

    Args:
        split: map-style dataset of (sample, label).
        workers: processes that read; they live until `close`. 0 reads in this one.
        pin_memory: whether batches are put where a GPU can fetch them by itself.
        transform: called with each sample, where it is read; None: samples stay as they are.
    """

    def __init__(
        self, split: Any, *, workers: int, pin_memory: bool, transform: Transform | None = None
    ) -> None:
        self._sampler = _GivenBatches()
        self._watch = Watch()
        self._generator = generator(0)
        self._loader: DataLoader[Any] = DataLoader(
            _WholeBatches(split, transform),
            sampler=self._sampler,
            batch_size=None,
            num_workers=workers,
            pin_memory=pin_memory,
            persistent_workers=workers > 0,
            generator=self._generator,
            multiprocessing_context=forking() if workers else None,
            worker_init_fn=partial(ignore, ignored_stops()),
        )

    def close(self) -> None:
        """End the worker processes."""
        # A DataLoader has no method for it: persistent workers end with its iterator, which an
        # error's traceback may hold on to.
        workers: Any = self._loader._iterator  # noqa: SLF001
        if workers is not None:
            workers._shutdown_workers()  # noqa: SLF001
            self._loader._iterator = None  # noqa: SLF001
        self._watch.stop()

    def epoch(self, index_batches: Sequence[torch.Tensor], seed: int) -> Iterator[Pair]:
        """Yield one (samples, labels) for each tensor of indices.

        What the dataset or the transform draws at random for a sample is a function of `seed` and
        its index, whoever reads it.

        Raises:
            ZooError: an item can't be read or transformed, or a worker process died.
        """
        # The seed goes with the indices: workers that live on have no other way to learn of it.
        self._sampler.batches = [(seed, batch.tolist()) for batch in index_batches]
        self._generator.manual_seed(seed)  # the workers' base seed
        with self._watch.asking():
            batches = self._started()
        while True:
            with self._watch.asking():
                batch = next(batches, None)
            if batch is None:
                return
            if isinstance(batch, _Failure):
                raise batch.error
            yield batch

    def _started(self) -> Iterator[Any]:
        """Begin the epoch that the sampler was given; start the workers where there are none."""
        if not self._loader.num_workers or self._watch.is_on:
            return iter(self._loader)
        with stops_held():
            batches = iter(self._loader)
        self._watch.start()
        return batches


class _GivenBatches:
    """A sampler that yields the seed with the index lists it was last given."""

    batches: list[tuple[int, list[int]]] = []  # noqa: RUF012 - replaced whole, never changed

    def __iter__(self) -> Iterator[tuple[int, list[int]]]:
        return iter(self.batches)

    def __len__(self) -> int:
        return len(self.batches)


class _Failure:
    """An error on its way out of a worker, spared the traceback text DataLoader would add."""

    def __init__(self, error: ZooError) -> None:
        self.error = error


class _WholeBatches(Dataset[Any]):
    """A dataset whose item is a whole batch, collated where it was read."""

    def __init__(self, split: Any, transform: Transform | None) -> None:
        self.split = split
        self.transform = transform

    def __getitem__(self, wanted: tuple[int, list[int]]) -> Pair | _Failure:
        seed, indices = wanted
        try:
            with as_in_a_worker():
                items = [self._item(index, seed) for index in indices]
            return collate(items)
        except ZooError as error:
            return _Failure(error)

    def _item(self, index: int, seed: int) -> Pair:
        sample, label = _read(self.split, index, seed)
        if self.transform is not None:
            sample = _transformed(sample, self.transform, index)
        return sample, label


def read_item(split: Any, index: int) -> Pair:
    """Read one (sample, label) as tensors; PIL images become uint8 (C, H, W).

    What the dataset draws at random depends on the index only, and the generators of this process
    are left as they were.

    Raises:
        BadSample: the dataset raised, naming the index.
        InvalidData: the item is not a pair of numbers or images.
    """
    with as_in_a_worker():
        return _read(split, index, 0)


def _read(split: Any, index: int, seed: int) -> Pair:
    seed_sample(seed, index)
    try:
        item = split[index]
    except ZooError:
        raise
    except Exception as error:
        cause = f"{type(error).__name__}: {error}"
        raise BadSample(f"sample {index} can't be read ({cause})") from error
    if not isinstance(item, tuple | list) or len(item) != 2:
        raise InvalidData(f"sample {index} is a {type(item).__name__}, not a (sample, label) pair")
    return _sample_tensor(item[0], index), as_tensor(item[1], f"label {index}")


def _transformed(sample: torch.Tensor, transform: Transform, index: int) -> torch.Tensor:
    """Apply a user's transform to a sample (…), which keeps its shape and dtype."""
    try:
        changed = transform(sample.clone())  # the dataset's own memory stays as it is
    except ZooError:
        raise
    except Exception as error:
        cause = f"{type(error).__name__}: {error}"
        raise InvalidData(f"the transform fails on sample {index} ({cause})") from error
    kind = type(changed).__name__
    if isinstance(changed, torch.Tensor):
        if changed.shape == sample.shape and changed.dtype == sample.dtype:
            return changed
        kind = _kind(changed)
    raise InvalidData(
        f"the transform made of sample {index}, {_kind(sample)}, a {kind}; it must keep shape and "
        "dtype: leave scaling and normalisation to zoo, they travel with the weights to predict"
    )


def _kind(tensor: torch.Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"


def _sample_tensor(sample: Any, index: int) -> torch.Tensor:
    if hasattr(sample, "getbands"):  # a PIL image, recognised without importing PIL
        pixels = np.array(sample.convert("RGB" if len(sample.getbands()) > 1 else "L"))
        return torch.from_numpy(pixels if pixels.ndim == 3 else pixels[:, :, None]).permute(2, 0, 1)
    return as_tensor(sample, f"sample {index}")


def read_labels(split: Any) -> torch.Tensor:
    """Read every item for its label: (N,) or (N, K).

    Raises:
        BadSample: an item can't be read.
        InvalidData: the labels differ in shape.
    """
    with as_in_a_worker():
        return stack_labels([_read(split, index, 0)[1] for index in range(length(split))])


def stack_labels(labels: list[torch.Tensor]) -> torch.Tensor:
    """Stack labels () or (K,) into (B,) or (B, K).

    Raises:
        InvalidData: they differ in shape.
    """
    shapes = sorted({tuple(label.shape) for label in labels})
    if len(shapes) > 1:
        raise InvalidData(f"labels differ in shape, {shapes[0]} and {shapes[1]}")
    return torch.stack(labels)


def collate(items: list[Pair]) -> Pair:
    """Stack items into samples (B, …) and labels (B,) or (B, K).

    Raises:
        InvalidData: the samples, or the labels, differ in shape.
    """
    shapes = sorted({tuple(sample.shape) for sample, _ in items})
    if len(shapes) > 1:
        raise InvalidData(
            f"samples differ in shape, {shapes[0]} and {shapes[1]}; resize them in the dataset"
        )
    samples, labels = zip(*items, strict=True)
    return torch.stack(samples), stack_labels(list(labels))


def length(split: Any) -> int:
    """Return the number of samples.

    Raises:
        InvalidData: the dataset has no length (an iterable-style dataset).
    """
    if not isinstance(split, Sized) or not hasattr(split, "__getitem__"):
        raise InvalidData(
            f"{type(split).__name__} is not a map-style dataset: it needs __len__ and __getitem__"
        )
    return len(split)
