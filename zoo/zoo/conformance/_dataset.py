"""A dataset gives what its spec says, every time, and tests on what it does not train on."""

import hashlib
import time
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor

from zoo_registry import (
    DatasetSpec,
    DatasetUnavailable,
    InvalidData,
    Splits,
    options_of,
    resolve,
)

from ..data import DataFacts, describe, length, read_item
from ..home import data_dir
from ._check import Failed, Skipped, Subject
from ._latest import Latest
from ._material import require_files
from ._tensors import digest, same
from ._varied import vary

# N = samples in all, B = batch, K = classes, labels or targets

_PROBES = 256
"""Items that are read of each split, evenly spaced."""
_PATIENCE = 20.0
"""Seconds that reading a split may take before no more of it is read."""
_ALIKE = 0.01
"""Share of the test samples that may be in the training split by chance; more is an overlap."""


def builds(subject: Subject) -> str:
    """Its builder returns splits."""
    splits = _splits(subject)
    sizes = [f"{name} {length(split):,}" for name, split in _named(splits)]
    return f"{', '.join(sizes)}; {len(splits.classes)} classes"


def at_varied_options(subject: Subject) -> str:
    """Each option takes other values: it has items all the same, or is refused."""
    _splits(subject)  # skipped where there are no data

    def attempt(options: dict[str, Any]) -> None:
        for _name, split in _named(_built(subject, **options)):
            read_item(split, _probed(split)[-1])

    return vary(subject, attempt)


def items(subject: Subject) -> str:
    """Every item is a pair of numbers: samples of one shape and dtype, finite; labels likewise."""
    kinds: dict[tuple[str, str], str] = {}
    for name, split in _named(_splits(subject)):
        for index in _probed(split):
            sample, label = read_item(split, index)
            if not bool(torch.isfinite(sample).all()):
                raise Failed(f"sample {index} of {name} holds NaN or infinite values")
            kinds.setdefault((_kind(sample), _kind(label)), f"sample {index} of {name}")
    if len(kinds) > 1:
        (one, first), (other, second) = list(kinds.items())[:2]
        raise Failed(
            f"{first} is {' with label '.join(one)}, {second} {' with label '.join(other)}"
        )
    return " with label ".join(next(iter(kinds)))


def labels(subject: Subject) -> str:
    """Its labels fit one of its tasks, and the classes it names."""
    facts = _described(subject, _splits(subject))
    return f"{facts.task}, {facts.num_classes} of them"


def batches(subject: Subject) -> str:
    """What `batch(indices)` gives is what the items are, in the order asked for."""
    splits = [
        (name, split)
        for name, split in _named(_splits(subject))
        if callable(getattr(split, "batch", None))
    ]
    if not splits:
        raise Skipped("its splits have no batch(); they are read item by item")
    for name, split in splits:
        indices = torch.tensor(_probed(split)[-5:]).flip(0)
        found = split.batch(indices)
        if not isinstance(found, tuple | list) or len(found) != 2:
            raise Failed(f"batch() of {name} returns a {type(found).__name__}, not a pair")
        for place, index in enumerate(indices.tolist()):
            item = read_item(split, index)
            if not all(
                same(torch.as_tensor(b[place]), i) for b, i in zip(found, item, strict=True)
            ):
                raise Failed(f"sample {index} of {name} is another in a batch than by itself")
    return f"{' and '.join(name for name, _ in splits)}"


def same_every_time(subject: Subject) -> str:
    """Built again, whatever was drawn at random before, it has the same samples."""
    first = _fingerprint(_splits(subject))
    torch.rand(7)
    if first != _fingerprint(_built(subject)):
        raise Failed("built again it has other samples; seed a generator of your own")
    return f"sha256 {first[:12]}"


def splits(subject: Subject) -> str:
    """What it is tested on is not what it is trained on."""
    found = _splits(subject)
    if found.test is None:
        raise Skipped("it has no test split")
    train, test = _digests(found.train), _digests(found.test)
    known = set(train)
    both = sum(sample in known for sample in test)
    if both > _ALIKE * len(test):
        raise Failed(f"{both:,} of {len(test):,} test samples are in the training split too")
    looked = f"{len(test):,} of {length(found.test):,} against {len(train):,}"
    return f"{looked}: {both} in both"


@Latest
def _splits(subject: Subject) -> Splits:
    """Return the dataset of a check; built once for all checks of it."""
    return _built(subject)


def _built(subject: Subject, **options: Any) -> Splits:
    """Build a dataset, with options, from what is here; nothing is fetched.

    Raises:
        Skipped: its files are not here, or it is told by a user which.
        Failed: its builder returned something else.
    """
    entry, root = subject.spec_entry, subject.data_root or data_dir()
    spec = entry.spec
    assert isinstance(spec, DatasetSpec)
    required = [option.name for option in options_of(spec).options if option.required]
    if "path" in required:
        raise Skipped(f"it is for a user's own data, {spec.name}:PATH")
    if required:
        raise Skipped(f"it needs {', '.join(required)}")
    try:
        require_files(spec, root)
        found = resolve(spec.address)(root=root, **spec.arguments, **options)
    except DatasetUnavailable as error:
        raise Skipped(f"data not here: {error}") from error
    if not isinstance(found, Splits):
        raise Failed(f"its builder returned a {type(found).__name__}, not zoo_registry.Splits")
    return found


def _described(subject: Subject, found: Splits) -> DataFacts:
    tasks = subject.spec_entry.spec.tasks
    facts = describe(found, tasks)
    if facts.task not in tasks:
        raise InvalidData(f"its data are for {facts.task}, its spec says {' or '.join(tasks)}")
    return facts


def _named(found: Splits) -> list[tuple[str, Any]]:
    named = [("train", found.train), ("test", found.test)]
    return [(name, split) for name, split in named if split is not None]


def _probed(split: Any) -> list[int]:
    """Return the numbers of evenly spaced items."""
    size = length(split)
    if not size:
        raise InvalidData("a split is empty")
    places: list[int] = torch.linspace(0, size - 1, min(_PROBES, size)).long().tolist()
    return places


def _fingerprint(found: Splits) -> str:
    """Return the digest of the items that are probed."""
    tensors = {
        f"{name} {index} {part}": tensor
        for name, split in _named(found)
        for index in _probed(split)
        for part, tensor in enumerate(read_item(split, index))
    }
    return digest(tensors)


def _digests(split: Any) -> list[bytes]:
    """Return the digest of each sample, as many as can be read in a while."""
    end = time.monotonic() + _PATIENCE
    found: list[bytes] = []
    for samples in _read(split):
        found += [hashlib.sha256(s.contiguous().numpy().tobytes()).digest() for s in samples]
        if time.monotonic() > end:
            break
    return found


def _read(split: Any) -> Iterator[Iterable[Tensor]]:
    """Yield the samples some at a time: in batches where there are such, else one by one."""
    for start in range(0, length(split), _PROBES):
        places = range(start, min(start + _PROBES, length(split)))
        if callable(getattr(split, "batch", None)):
            yield torch.as_tensor(split.batch(torch.tensor(places))[0])
        else:
            yield [read_item(split, index)[0] for index in places]


def _kind(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"
