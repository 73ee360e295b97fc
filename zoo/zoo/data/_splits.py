"""Splits from what people hold in their hands: arrays, tensors, torch datasets."""

from collections.abc import Sequence
from typing import Any

import torch
from torch.utils.data import Dataset, Subset, TensorDataset

from zoo_registry import InvalidData, Splits

from ._arrays import ArrayDataset, as_tensor
from ._items import length
from ._order import generator


def as_splits(data: Any, *, test_fraction: float = 0.2, seed: int = 0) -> Splits:
    """Turn `data` into splits.

    Args:
        data: `Splits`; (x, y) arrays; (x_train, y_train, x_test, y_test) arrays; a torch
            Dataset; or (train, test) Datasets. Without a test part, `test_fraction` of the
            samples, drawn by `seed`, becomes it.
        test_fraction: share of the samples that is held out, 0 to 1; 0 holds out none.
        seed: of the draw; not the training's, so that runs with other seeds compare.

    Raises:
        InvalidData: anything else, or too few samples to split.
    """
    if isinstance(data, Splits):
        return data
    data = _in_memory(data)
    if isinstance(data, Dataset):
        return Splits(train=data) if test_fraction == 0 else _hold_out(data, test_fraction, seed)
    if isinstance(data, Sequence) and not isinstance(data, str):
        if len(data) == 2 and all(isinstance(part, Dataset) for part in data):
            return Splits(train=_in_memory(data[0]), test=_in_memory(data[1]))
        if len(data) == 2:
            return as_splits(ArrayDataset(*data), test_fraction=test_fraction, seed=seed)
        if len(data) == 4:
            return Splits(train=ArrayDataset(*data[:2]), test=ArrayDataset(*data[2:]))
    raise InvalidData(
        f"a dataset can't be made of a {type(data).__name__}; give a name, (x, y) arrays, "
        "(x_train, y_train, x_test, y_test), a torch Dataset, or (train, test) Datasets"
    )


def _in_memory(data: Any) -> Any:
    """Turn a TensorDataset of samples and labels into arrays, which give batches at once."""
    if type(data) is TensorDataset and len(data.tensors) == 2:  # a subclass may do more
        return ArrayDataset(*data.tensors)
    return data


def _hold_out(dataset: Any, test_fraction: float, seed: int) -> Splits:
    if not 0 < test_fraction < 1:
        raise InvalidData(f"test_fraction must lie between 0 and 1, not {test_fraction}")
    num_samples = length(dataset)
    num_test = max(1, round(num_samples * test_fraction))
    if num_samples - num_test < 1:
        raise InvalidData(f"{num_samples} samples are too few to hold out a test split")
    order = torch.randperm(num_samples, generator=generator(seed))
    train, test = order[num_test:].sort().values, order[:num_test].sort().values
    if isinstance(dataset, ArrayDataset):
        return Splits(
            train=ArrayDataset(*dataset.batch(train)), test=ArrayDataset(*dataset.batch(test))
        )
    return Splits(train=Subset(dataset, train.tolist()), test=Subset(dataset, test.tolist()))


def labels_of(split: Any, indices: torch.Tensor, probed: torch.Tensor) -> torch.Tensor | None:
    """Return all labels (N,) or (N, K) where the split holds them apart from its samples.

    torchvision's datasets call them `targets`; a Subset has those of its dataset. Others mean
    something else by these names, or transform labels as they are read: only what agrees with
    the labels `probed` (P, …) at `indices` (P,) is believed.
    """
    held = _held_labels(split)
    if held is None or held.is_floating_point() != probed.is_floating_point():
        return None
    found = held[indices]
    if found.shape != probed.shape:
        return None
    same = torch.allclose(found.double(), probed.double(), equal_nan=True)
    return held.to(probed.dtype) if same else None


def _held_labels(split: Any) -> torch.Tensor | None:
    if isinstance(split, Subset):
        labels = _held_labels(split.dataset)
        return None if labels is None else labels[torch.as_tensor(split.indices)]
    if type(split) is TensorDataset:
        return as_tensor(split.tensors[1], "labels") if len(split.tensors) == 2 else None
    for attribute in ("labels", "targets"):
        labels = getattr(split, attribute, None)
        if labels is None or callable(labels):
            continue
        try:
            tensor = as_tensor(labels, attribute)
        except InvalidData:  # names of classes, say
            continue
        if tensor.ndim > 0 and len(tensor) == length(split):
            return tensor
    return None
