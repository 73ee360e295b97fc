"""The pause that a checkpoint is to a training."""

import time
from collections import OrderedDict
from pathlib import Path

import torch

from zoo.checkpoints import Saver

_LATER = 3
"""Checkpoints after the first, whose mean is taken."""


def pause(*, who: str, folder: str, num_tensors: int, mebibytes: int) -> dict[str, float]:
    """Time what a training waits for: the first checkpoint, and the mean of later ones."""
    state = OrderedDict(
        (f"layer{number}.weight", torch.rand(mebibytes << 18)) for number in range(num_tensors)
    )
    first, *later = (
        _torch(state, Path(folder)) if who == "torch.save" else _zoo(state, Path(folder))
    )
    return {"seconds first": first, "seconds later": sum(later) / len(later)}


def _torch(state: OrderedDict[str, torch.Tensor], folder: Path) -> list[float]:
    seconds = []
    for _ in range(1 + _LATER):
        started = time.perf_counter()
        torch.save(state, folder / "state.pth")
        seconds.append(time.perf_counter() - started)
    return seconds


def _zoo(state: OrderedDict[str, torch.Tensor], folder: Path) -> list[float]:
    saver = Saver(folder, keep=2, before=lambda: None)
    seconds = []
    for step in range(1 + _LATER):
        started = time.perf_counter()
        saver.save(step, state, {}, ended=False)
        seconds.append(time.perf_counter() - started)
        saver.wait()
    saver.close()
    return seconds
