"""How often each class occurs in a split."""

from typing import Any

import torch

from ._items import length, read_item, read_labels, stack_labels
from ._splits import labels_of

_PROBES = 64
"""Items read to tell whether the labels that a split holds apart are those of its items."""


def class_counts(split: Any, num_classes: int) -> list[int]:
    """Count the samples of each class, of a classification's split.

    Raises:
        BadSample: an item can't be read; all are, where the split does not hold its labels apart.
    """
    num_samples = length(split)
    indices = torch.linspace(0, num_samples - 1, min(_PROBES, num_samples)).long()
    probed = stack_labels([read_item(split, index)[1] for index in indices.tolist()])
    known = labels_of(split, indices, probed)
    labels = read_labels(split) if known is None else known
    return torch.bincount(labels.long(), minlength=num_classes).tolist()
