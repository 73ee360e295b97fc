"""What a dataset turns out to be: its task, its sizes, and what would go wrong with it."""

import hashlib
from typing import Any

import msgspec
import torch

from zoo_registry import InvalidData, Splits

from ._input import InputSpec
from ._items import length, read_item
from ._splits import labels_of

# N = samples in all, K = classes, labels or targets

_PROBES = 256
"""Items read ahead, evenly spaced, where a property can't be had without reading."""


class DataFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the rest of the training needs to know of its data."""

    task: str
    input: InputSpec
    num_classes: int
    """K: classes, labels (multilabel) or targets (regression) of one sample."""
    classes: tuple[str, ...]
    num_train: int
    num_test: int
    fingerprint: str
    """sha256 over the number of samples and up to 256 of them, evenly spaced, of each split."""
    notes: tuple[str, ...] = ()
    """Conversions that will be made, one line each."""


def describe(splits: Splits, tasks: tuple[str, ...] = ()) -> DataFacts:
    """Look a dataset over before anything is built on it.

    Args:
        splits: the dataset.
        tasks: those it may serve, from its spec or the loss; the labels decide among several.

    Raises:
        InvalidData: no samples, labels that don't fit the task, values that lose information.
    """
    num_train = length(splits.train)
    num_test = 0 if splits.test is None else length(splits.test)
    if num_train == 0:
        raise InvalidData("the training split is empty")
    if splits.test is not None and num_test == 0:
        raise InvalidData("the test split is empty; leave it out, or put samples into it")
    digest = hashlib.sha256()
    samples, labels = _probe(splits.train, digest)
    task = splits.task or _task_of(labels, tasks)
    num_classes = len(splits.classes)
    parts = [("training", splits.train, labels)]
    if splits.test is not None:
        parts.append(("test", splits.test, _probe(splits.test, digest)[1]))
    for name, split, probed in parts:
        all_labels = labels_of(split)
        known = probed if all_labels is None else all_labels
        _check_labels(known, task, name, len(splits.classes))
        if not splits.classes:
            num_classes = max(num_classes, _count_classes(known, task))
    if task == "classification" and num_classes < 2:
        raise InvalidData("the labels hold a single class; a classifier needs two or more")
    return DataFacts(
        task=task,
        input=_input_of(samples, splits),
        num_classes=num_classes,
        classes=tuple(splits.classes),
        num_train=num_train,
        num_test=num_test,
        fingerprint=digest.hexdigest(),
        notes=tuple(_conversions(labels, task)),
    )


def _probe(split: Any, digest: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Read evenly spaced items into `digest`; return the first sample and the probed labels."""
    num_samples = length(split)
    digest.update(str(num_samples).encode())
    indices = torch.linspace(0, num_samples - 1, min(_PROBES, num_samples)).long().tolist()
    items = [read_item(split, index) for index in indices]
    for tensor in (tensor for item in items for tensor in item):
        digest.update(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
        digest.update(tensor.contiguous().flatten().view(torch.uint8).numpy())
    shapes = {tuple(label.shape) for _, label in items}
    if len(shapes) > 1:
        raise InvalidData(f"labels differ in shape: {sorted(shapes)}")
    return items[0][0], torch.stack([label for _, label in items])


def _task_of(labels: torch.Tensor, tasks: tuple[str, ...]) -> str:
    if len(tasks) == 1:
        return tasks[0]
    if labels.is_floating_point():
        return "regression"
    return "classification" if labels.ndim == 1 else "multilabel"


def _check_labels(labels: torch.Tensor, task: str, split: str, num_classes: int) -> None:
    shape = f"(N, {', '.join(map(str, labels.shape[1:]))})" if labels.ndim > 1 else "(N,)"
    if task == "classification":
        if labels.ndim > 1:
            raise InvalidData(
                f"{split} labels have shape {shape}; class numbers have shape (N,): flatten "
                "(N, 1) with .ravel(), turn one-hot rows into numbers with .argmax(1)"
            )
        if labels.is_floating_point():
            raise InvalidData(
                f"{split} labels are {_name(labels.dtype)}; class numbers are whole: convert with "
                ".astype('int64'), or, where they are measurements, train a regression: --loss mse"
            )
        low, high = int(labels.min()), int(labels.max())
        if low < 0 or (num_classes and high >= num_classes):
            wrong = low if low < 0 else high
            allowed = f"0 to {num_classes - 1}" if num_classes else "0 and up"
            raise InvalidData(f"{split} labels hold {wrong}; the classes are numbered {allowed}")
    elif task == "multilabel":
        if labels.ndim != 2 or not bool(((labels == 0) | (labels == 1)).all()):
            raise InvalidData(
                f"{split} labels of shape {shape} are no multi-hot rows: (N, K) of 0 and 1"
            )
    elif task == "regression":
        if labels.ndim > 2:
            raise InvalidData(
                f"{split} targets have shape {shape}; regression takes (N,) or (N, K)"
            )
        if not bool(torch.isfinite(labels).all()):
            raise InvalidData(
                f"{split} targets hold NaN or infinite values; leave those samples out"
            )


def _count_classes(labels: torch.Tensor, task: str) -> int:
    if task == "classification":
        return int(labels.max()) + 1
    return 1 if labels.ndim == 1 else labels.shape[1]


def _input_of(sample: torch.Tensor, splits: Splits) -> InputSpec:
    channels = sample.shape[0] if sample.ndim == 3 else 1
    for name, values in (("mean", splits.mean), ("std", splits.std)):
        if len(values) not in (0, 1, channels):
            raise InvalidData(f"{name} has {len(values)} values for {channels} channels")
    return InputSpec(
        shape=tuple(sample.shape),
        dtype=_name(sample.dtype),
        mean=tuple(splits.mean),
        std=tuple(splits.std),
    )


def _conversions(labels: torch.Tensor, task: str) -> list[str]:
    if task == "classification" and labels.dtype != torch.int64:
        return [f"labels are {_name(labels.dtype)}; used as int64, which cross-entropy takes"]
    return []


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
