"""The sequence of samples: a pure function of (seed, epoch)."""

import torch

from .._splitmix import hashed


def mix(*numbers: int) -> int:
    """Hash integers into 63 bits: neighbouring seeds and epochs give unrelated streams."""
    return hashed(*numbers) >> 1


def generator(*numbers: int) -> torch.Generator:
    """Return a CPU generator whose stream depends on `numbers` only."""
    return torch.Generator().manual_seed(mix(*numbers))


def epoch_order(num_samples: int, seed: int, epoch: int) -> torch.Tensor:
    """Return the order of an epoch: int64 (num_samples,), each index once."""
    return torch.randperm(num_samples, generator=generator(seed, epoch))
