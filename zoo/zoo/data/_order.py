"""The sequence of samples: a pure function of (seed, epoch)."""

import torch

_GOLDEN = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1


def mix(*numbers: int) -> int:
    """Hash integers into 63 bits: neighbouring seeds and epochs give unrelated streams.

    The finaliser of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number
    Generators, 2014), applied once per number.
    """
    state = 0
    for number in numbers:
        state = (state + number + _GOLDEN) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        state ^= state >> 31
    return state >> 1


def generator(*numbers: int) -> torch.Generator:
    """Return a CPU generator whose stream depends on `numbers` only."""
    return torch.Generator().manual_seed(mix(*numbers))


def epoch_order(num_samples: int, seed: int, epoch: int) -> torch.Tensor:
    """Return the order of an epoch: int64 (num_samples,), each index once."""
    return torch.randperm(num_samples, generator=generator(seed, epoch))
