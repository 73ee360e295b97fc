"""What is proven: a training, cut down to the few batches that proofs look at."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import torch
from torch.utils.data import Subset

from zoo_registry import Splits

from .._registry import registry
from ..data import ArrayDataset, describe, if_cached, in_memory, length
from ..recipe import Plan, make_plans
from ..training import first_available

# N = samples, B = batch

_BATCHES = 10
"""Of the training split, at most."""
_TESTED = 9
"""Batches of training whose samples make up the test split, and half a batch, at most. Evaluation
takes 4 at a time, so that its last batch is a ragged one."""

Note = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A training whose data have been read."""

    plan: Plan
    """Names no dataset: the splits stand in its place."""
    splits: Splits
    """The first batches' worth of samples, evenly spaced over the dataset's."""
    settings: Mapping[str, Any]
    """What `make_plans` takes to make the same plan in another process."""
    root: Path | None

    @classmethod
    def read(cls, settings: Mapping[str, Any], root: Path | None, note: Note) -> Self:
        """Read the first dataset that can be had.

        Args:
            settings: fields and dotted options.
            root: the folder handed to datasets.
            note: told why another dataset than the model's first is used.

        Raises:
            ZooError: as `zoo.training.prepare`.
        """
        # Nothing is stored: of a set of files, a few samples are decoded for the proofs alone.
        plans = make_plans({**settings, "cache": "none"}, registry(), root)
        plan, splits = first_available(plans, None, root, note)
        size = plan.settings["batch_size"]
        few = replace(
            _described(plan, splits),
            train=excerpt(splits.train, _BATCHES * size),
            test=None if splits.test is None else excerpt(splits.test, _TESTED * size + size // 2),
        )
        parts = {part: entry for part, entry in plan.entries.items() if part != "dataset"}
        return cls(
            plan=Plan(plan.settings, parts), splits=few, settings=dict(plan.settings), root=root
        )

    def one_by_one(self, num_samples: int) -> Self:
        """Return the same with so many training samples, which can only be read one at a time."""
        count = min(num_samples, length(self.splits.train))
        items: Subset[Any] = Subset(self.splits.train, range(count))
        return replace(self, splits=replace(self.splits, train=items, test=None))


def _described(plan: Plan, splits: Splits) -> Splits:
    """Write into `splits` what a part of the samples might not show: the task, and all classes."""
    offered, loss = plan.entries["dataset"].spec.tasks, plan.entries.get("loss")
    tasks = tuple(task for task in offered if loss is None or task in loss.spec.tasks)
    facts = describe(splits, tasks or offered)
    classes = facts.classes
    if facts.task == "classification" and not classes:
        classes = tuple(map(str, range(facts.num_classes)))
    return replace(splits, task=facts.task, classes=classes)


def excerpt(split: Any, num_samples: int) -> Any:
    """Return so many samples of `split`, evenly spaced; all of it where it has no more."""
    split = if_cached(split)
    if length(split) > num_samples:
        indices = torch.linspace(0, length(split) - 1, num_samples).long()
    elif callable(getattr(split, "cache_key", None)):  # decoded once, for all proofs
        indices = torch.arange(length(split))
    else:
        return split
    if type(split) is not ArrayDataset and callable(getattr(split, "batch", None)):
        return _Batched(split, indices)
    return in_memory(split, indices)  # as arrays they may move to the GPU


class _Batched(Subset[Any]):
    """Some samples of a split that gives whole batches."""

    def __init__(self, split: Any, indices: torch.Tensor) -> None:
        super().__init__(split, indices.tolist())
        self._places = indices

    def batch(self, indices: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Gather samples (B, …) and labels (B,) or (B, K) at int64 `indices` (B,)."""
        found: tuple[torch.Tensor, torch.Tensor] = self.dataset.batch(self._places[indices])  # type: ignore[attr-defined]
        return found
