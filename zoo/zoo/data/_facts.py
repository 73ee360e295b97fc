"""What a dataset turns out to be: its task, its sizes, and what would go wrong with it."""

import hashlib
from typing import Any, NamedTuple

import msgspec
import torch

from zoo_registry import InvalidData, Splits

from ._input import InputSpec
from ._items import length, read_item, read_labels, stack_labels
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


class _Probe(NamedTuple):
    """The items of a split that were read ahead."""

    sample: torch.Tensor
    indices: torch.Tensor
    labels: torch.Tensor


def describe(splits: Splits, tasks: tuple[str, ...] = (), *, training: bool = True) -> DataFacts:
    """Look a dataset over before anything is built on it.

    Args:
        splits: the dataset.
        tasks: those it may serve, from its spec or the loss; the labels decide among several.
        training: whether a model is to learn from it; to measure one, a single class will do.

    Raises:
        InvalidData: no samples, labels that don't fit the task or the classes, samples or
            labels of more than one kind, values that lose information.
    """
    num_train = length(splits.train)
    num_test = 0 if splits.test is None else length(splits.test)
    if num_train == 0:
        raise InvalidData("the training split is empty")
    if splits.test is not None and num_test == 0:
        raise InvalidData("the test split is empty; leave it out, or put samples into it")
    digest = hashlib.sha256()
    train = _probe(splits.train, digest)
    task = splits.task or _task_of(train.labels, tasks)
    num_classes = _look_over("training", splits.train, train, task, splits.classes)
    if splits.test is not None:
        test = _probe(splits.test, digest)
        _require_same_kind(train, test)
        in_test = _look_over("test", splits.test, test, task, splits.classes)
        num_classes = max(num_classes, in_test)
    if training and task == "classification" and num_classes < 2:
        raise InvalidData("the labels hold a single class; a classifier needs two or more")
    return DataFacts(
        task=task,
        input=_input_of(train.sample, splits),
        num_classes=num_classes,
        classes=tuple(splits.classes),
        num_train=num_train,
        num_test=num_test,
        fingerprint=digest.hexdigest(),
        notes=tuple(_conversions(train.labels, task)),
    )


def _probe(split: Any, digest: Any) -> _Probe:
    """Read evenly spaced items into `digest`."""
    num_samples = length(split)
    digest.update(str(num_samples).encode())
    indices = torch.linspace(0, num_samples - 1, min(_PROBES, num_samples)).long()
    items = [read_item(split, index) for index in indices.tolist()]
    for tensor in (tensor for item in items for tensor in item):
        digest.update(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
        digest.update(tensor.contiguous().flatten().view(torch.uint8).numpy())
    kinds = sorted({_kind(sample) for sample, _ in items})
    if len(kinds) > 1:
        raise InvalidData(
            f"samples differ, {kinds[0]} and {kinds[1]}; give them one shape and dtype in the "
            "dataset"
        )
    return _Probe(items[0][0], indices, stack_labels([label for _, label in items]))


def _require_same_kind(train: _Probe, test: _Probe) -> None:
    """Refuse a test split that a model for the training split could not be measured on."""
    ours, theirs = _kind(train.sample), _kind(test.sample)
    if ours != theirs:
        raise InvalidData(f"training samples are {ours}, test samples {theirs}; make them alike")
    if train.labels.shape[1:] != test.labels.shape[1:]:
        raise InvalidData(
            f"training labels have shape {_rows(train.labels)}, test labels {_rows(test.labels)}; "
            "make them alike"
        )


def _look_over(name: str, split: Any, probe: _Probe, task: str, classes: tuple[str, ...]) -> int:
    """Check the labels of a split; return its number of classes, labels or targets."""
    known = labels_of(split, probe.indices, probe.labels)
    if known is None:
        known = probe.labels
        _check_labels(known, task, name, len(classes))
        if task == "classification" and not classes and len(known) < length(split):
            known = read_labels(split)  # a class may appear in a single item
    _check_labels(known, task, name, len(classes))
    if not classes:
        return _count_classes(known, task)
    if task != "classification" and _count_classes(known, task) != len(classes):
        raise InvalidData(
            f"{name} labels have shape {_rows(known)}, but there are {len(classes)} names: "
            f"{', '.join(classes[:8])}"
        )
    return len(classes)


def _task_of(labels: torch.Tensor, tasks: tuple[str, ...]) -> str:
    if len(tasks) == 1:
        return tasks[0]
    if labels.is_floating_point():
        return "regression"
    return "classification" if labels.ndim == 1 else "multilabel"


def _check_labels(labels: torch.Tensor, task: str, split: str, num_classes: int) -> None:
    shape = _rows(labels)
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


def _rows(labels: torch.Tensor) -> str:
    return f"(N, {', '.join(map(str, labels.shape[1:]))})" if labels.ndim > 1 else "(N,)"


def _kind(sample: torch.Tensor) -> str:
    return f"{_name(sample.dtype)} {tuple(sample.shape)}"


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
