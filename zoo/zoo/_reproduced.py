"""Training a run's recipe again, and whether the same came out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ._resumed import require_done, resumed_root, resumed_settings
from .api import train
from .home import user_path
from .reporting import Reporter
from .runs import Difference, Run, diff_runs, find_run, verify_files
from .weights import read_state_dict


@dataclass(frozen=True)
class Reproduction:
    """A run, and another one by the same recipe."""

    original: Run
    again: Run
    identical: bool
    """Whether every bit of the weights and of the history is the same."""
    differences: Mapping[str, Mapping[str, Difference]] = field(repr=False)
    """In what else they differ: metrics, data, plugins, code, environment; see `zoo.runs`."""


def reproduce(
    source: str | Path,
    *,
    model: nn.Module | None = None,
    dataset: Any = None,
    loss: nn.Module | None = None,
    transform: Callable[[torch.Tensor], torch.Tensor] | None = None,
    data_dir: str | Path | None = None,
    progress: bool | Reporter = True,
) -> Reproduction:
    """Train a run's recipe again, as a run of its own, and compare.

    Args:
        source: the run's name or folder.
        model: the module as it was before its training, where the run began with one.
        dataset: the arrays or Datasets, where it began with such.
        loss: likewise.
        transform: likewise.
        data_dir: the folder handed to datasets; None: the one from before.
        progress: as for `zoo.train`.

    Raises:
        ZooError: as `zoo.train`; also where the run did not come to its end, or its own files are
            damaged.
    """
    run = find_run(source)
    require_done(run)
    verify_files(run)
    given = {"model": model, "dataset": dataset, "loss": loss, "transform": transform}
    objects = {part: value for part, value in given.items() if value is not None}
    settings = resumed_settings(run, {}, objects)
    parts: dict[str, Any] = {part: settings.pop(part) for part in ("model", "dataset", "loss")}
    if transform is not None:
        del settings["augment.transform"]
    parts |= objects
    again = train(
        parts["model"],
        parts["dataset"],
        loss=parts["loss"],
        transform=transform,
        data_dir=resumed_root(run, None if data_dir is None else user_path(data_dir)),
        set=settings,
        progress=progress,
    )
    return compare(run, again)


def compare(original: Run, again: Run) -> Reproduction:
    """Compare what two runs stored, and what they were made with.

    Raises:
        CorruptWeights: a file of theirs is not what was stored.
    """
    for run in (original, again):
        verify_files(run)
    return Reproduction(
        original,
        again,
        identical=_same_weights(original, again) and original.history == again.history,
        differences=diff_runs(original, again),
    )


def _same_weights(one: Run, other: Run) -> bool:
    """Compare the tensors: the files also hold versions, which may well be others."""
    first, second = (read_state_dict(run.weights, verified=True) for run in (one, other))
    return first.keys() == second.keys() and all(
        _bytes(first[name]) == _bytes(second[name]) for name in first
    )


def _bytes(tensor: torch.Tensor) -> tuple[Any, ...]:
    return tensor.dtype, tensor.shape, tensor.flatten().view(torch.uint8).numpy().tobytes()
