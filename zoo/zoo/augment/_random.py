"""Random numbers that are a pure function of (seed, epoch, sample index, what for).

No generator has a state that would depend on who drew before: the number of workers, of ranks or
of samples in a batch changes nothing. Whole numbers of 64 bits and plain float arithmetic are
computed alike on every device, so that the draws are the same on CPU and CUDA.
"""

from dataclasses import dataclass
from enum import IntEnum, auto

import torch

from .._splitmix import FACTORS, GOLDEN, MASK, hashed

# B = batch, T = tries

_FIRST_TRY = 1 << 20
"""Beyond every `Use`."""


class Use(IntEnum):
    """What a number is drawn for: each use has numbers of its own. New ones go to the end."""

    FLIP = auto()
    FIRST_FLIP = auto()
    CROP_ROW = auto()
    CROP_COLUMN = auto()
    BRIGHTNESS = auto()
    CONTRAST = auto()
    SATURATION = auto()
    ERASE = auto()
    ERASE_AREA = auto()
    ERASE_RATIO = auto()
    ERASE_ROW = auto()
    ERASE_COLUMN = auto()
    PARTNER = auto()
    MIX_KIND = auto()
    MIXUP = auto()
    CUTMIX = auto()
    BOX_ROW = auto()
    BOX_COLUMN = auto()


@dataclass(frozen=True)
class Draws:
    """The random numbers of some samples: of each the outputs of SplitMix64, in any order."""

    states: torch.Tensor
    """int64, (B,) or (T, B): the state that a sample's generator starts with."""

    def bits(self, use: Use) -> torch.Tensor:
        """Return 64 random bits for each sample: int64, shaped as the states."""
        return _scrambled(self.states + _signed(use * GOLDEN))

    def uniform(self, use: Use) -> torch.Tensor:
        """Return numbers in [0, 1), multiples of 2**-24: float32, shaped as the states."""
        return unit(self.bits(use), 0)

    def below(self, use: Use, bound: int | torch.Tensor) -> torch.Tensor:
        """Return whole numbers in [0, bound): int64, shaped as the states.

        Args:
            use: what for.
            bound: 1 or more; one for all samples or int64, one for each.
        """
        return shifted(self.bits(use), 1) % bound

    def tries(self, count: int) -> "Draws":
        """Return `count` independent draws of each sample, to choose from: (B,) -> (T, B)."""
        numbers = torch.arange(_FIRST_TRY, _FIRST_TRY + count, device=self.states.device)
        return Draws(_scrambled(self.states + (numbers * _signed(GOLDEN))[:, None]))


def draws(indices: torch.Tensor, seed: int, epoch: int) -> Draws:
    """Return the random numbers of the samples at int64 `indices` (B,) in an epoch."""
    return Draws(_scrambled(indices * _signed(GOLDEN) + _signed(hashed(seed, epoch))))


def unit(bits: torch.Tensor, skip: int) -> torch.Tensor:
    """Turn 24 of 64 random bits, those after the first `skip`, into float32 in [0, 1)."""
    return (shifted(bits, 40 - skip) & 0xFFFFFF).to(torch.float32) * 2.0**-24


def shifted(bits: torch.Tensor, places: int) -> torch.Tensor:
    """Shift int64 right as if it had no sign, by 1 place or more."""
    return (bits >> places) & (MASK >> places)


def _scrambled(states: torch.Tensor) -> torch.Tensor:
    """Apply the finaliser of SplitMix64 to int64, whose products wrap."""
    states = (states ^ shifted(states, 30)) * _signed(FACTORS[0])
    states = (states ^ shifted(states, 27)) * _signed(FACTORS[1])
    return states ^ shifted(states, 31)


def _signed(bits: int) -> int:
    """Return the int64 that has the lowest 64 of these bits."""
    bits &= MASK
    return bits - (1 << 64) if bits >> 63 else bits
