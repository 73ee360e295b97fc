"""What a dataset or a transform draws at random, as a function of (seed, sample index).

It draws from the generators that a process has for everybody: torch's on the CPU, Python's
`random` and numpy's. They are seeded before each sample, and put back after a batch: the training
draws from them too, its dropout for one.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from ._order import mix


@contextmanager
def as_in_a_worker() -> Iterator[None]:
    """Read samples here as a worker process does; leave nothing of it behind.

    With one thread: torch sums in an order that depends on their number, and what a sample is
    must not depend on where it was read.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with generators_kept():
            yield
    finally:
        torch.set_num_threads(threads)


@contextmanager
def generators_kept() -> Iterator[None]:
    """Put the generators back after the block, to where they were before it."""
    torchs, pythons, numpys = torch.get_rng_state(), random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        torch.set_rng_state(torchs)
        random.setstate(pythons)
        np.random.set_state(numpys)


def seed_sample(seed: int, index: int) -> None:
    """Seed the generators for one sample, whoever reads it and whatever was drawn before."""
    number = mix(seed, index)
    # Not torch.manual_seed, which seeds those of every GPU as well.
    torch.default_generator.manual_seed(number)
    seed_others(number)


def seed_others(number: int) -> None:
    """Seed the generators that are not torch's."""
    random.seed(number)
    np.random.seed(number & 0xFFFFFFFF)  # all that its global generator takes
