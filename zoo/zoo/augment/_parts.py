"""Large batches in parts: on a CPU, memory is what changing samples waits for."""

from collections.abc import Callable

import torch

_CACHED = 1 << 20
"""Values that a processor's cache holds as floats, with what is computed on the way."""


def by_parts(
    change: Callable[..., torch.Tensor], samples: torch.Tensor, *others: torch.Tensor
) -> torch.Tensor:
    """Return `change(samples, *others)`, on a CPU computed for some samples at a time.

    Args:
        change: treats each sample by itself, and returns what is shaped and typed as `samples`.
        samples: (B, …).
        others: (B, …), what belongs to each sample.
    """
    size = max(1, _CACHED // max(1, samples.shape[1:].numel()))
    if samples.device.type != "cpu" or len(samples) <= size:
        return change(samples, *others)
    changed = torch.empty_like(samples)
    for start in range(0, len(samples), size):
        rows = slice(start, start + size)
        changed[rows] = change(samples[rows], *(other[rows] for other in others))
    return changed
