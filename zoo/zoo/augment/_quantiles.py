"""Random variates of any distribution on a line, by a table of its quantiles.

Powers and logarithms differ in their last bit from one device to the next. A table is computed
once, on the CPU; what is left is a look-up and a straight line, the same everywhere.
"""

import math
from typing import Any

import numpy as np
import torch

from ._random import shifted, unit

_CELL_BITS = 12
_CELLS = 1 << _CELL_BITS
_GRID = 1 << 16
"""Steps of the sums from which quantiles are found."""

Array = np.ndarray[Any, np.dtype[np.float64]]


class Quantiles:
    """A distribution, by its quantiles at 4097 evenly spaced probabilities, 0 and 1 included.

    Between two of them it is uniform, so that its distribution function is nowhere off by more
    than 1/4096.
    """

    def __init__(self, quantiles: Array) -> None:
        assert quantiles.shape == (_CELLS + 1,)
        table = torch.from_numpy(quantiles).to(torch.float32)
        self._tables = {table.device: table}

    def at(self, bits: torch.Tensor) -> torch.Tensor:
        """Turn random bits into variates: int64 -> float32, of the same shape."""
        table = self._table(bits.device)
        cells = shifted(bits, 64 - _CELL_BITS)
        low = table[cells]
        # Not torch.lerp: as one kernel it rounds once on some devices, and twice on others.
        return low + unit(bits, _CELL_BITS) * (table[cells + 1] - low)

    def _table(self, device: torch.device) -> torch.Tensor:
        """Return the quantiles on a device; kept, for a copy in each step would wait for it."""
        if device not in self._tables:
            self._tables[device] = next(iter(self._tables.values())).to(device)
        return self._tables[device]


def beta(alpha: float) -> Quantiles:
    """Tabulate Beta(alpha, alpha), for an alpha above 0 and up to 10.

    Beyond, the tails below the second quantile and above the last but one would be too heavy.

    Below 1/2 its distribution function is the integral of x^(a-1) (1-x)^(a-1), which has a pole at
    0 where a < 1; in terms of (2x)^a it has none. Above 1/2 it is the mirror image.
    """
    grid: Array = np.linspace(0, 1, _GRID + 1)
    # Evenly spaced in (2x)^a for a small alpha, in x for a large one: where the mass is.
    power, root = max(alpha, 1.0), max(1 / alpha, 1.0)
    density = (1 - grid**root / 2) ** (alpha - 1)
    steps = (density[1:] + density[:-1]) * np.diff(grid**power)
    function = np.concatenate([[0.0], np.cumsum(steps)])
    wanted = np.linspace(0, 0.5, _CELLS // 2 + 1)
    lower = np.interp(wanted, function * (0.5 / function[-1]), grid) ** root / 2
    return Quantiles(np.concatenate([lower, 1 - lower[-2::-1]]))


def log_uniform(low: float, high: float) -> Quantiles:
    """Tabulate the numbers from `low` to `high` whose logarithms are uniform."""
    return Quantiles(np.exp(np.linspace(math.log(low), math.log(high), _CELLS + 1)))
