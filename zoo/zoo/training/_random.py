"""The random generators that a training draws from: torch's, Python's and numpy's."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from ..data import generators_kept, seed_others


def seed_all(seed: int) -> None:
    """Seed every generator of this process; each gets numbers of its own."""
    torch.manual_seed(seed)
    seed_others(seed)


def random_state(device: torch.device) -> dict[str, Any]:
    """Return the state of every generator, that of `device` among them, as a checkpoint holds it.

    numpy's and Python's are arrays: nothing of theirs that would have to be unpickled.
    """
    version, words, gauss = random.getstate()
    name, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    state: dict[str, Any] = {
        "torch": torch.get_rng_state(),
        "python": [version, np.array(words, dtype=np.uint32), gauss],
        "numpy": [name, keys, position, has_gauss, cached],
    }
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def set_random_state(state: dict[str, Any], device: torch.device) -> None:
    """Let every generator go on from `random_state`."""
    torch.set_rng_state(state["torch"])
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words.tolist()), gauss))
    np.random.set_state(tuple(state["numpy"]))
    if device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"], device)


@contextmanager
def own_randomness(device: torch.device) -> Iterator[None]:
    """Leave the caller's generators, of the CPU and of CUDA, as they were before the block."""
    cuda = range(torch.cuda.device_count()) if device.type == "cuda" else []
    with generators_kept(), torch.random.fork_rng(devices=cuda):
        yield
