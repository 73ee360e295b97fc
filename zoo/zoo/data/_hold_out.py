"""Samples held out of datasets that have no test part: the same share of each class."""

import torch

from zoo_registry import InvalidOption


def require_share(test_fraction: float) -> None:
    """Check what share is to be held out.

    Raises:
        InvalidOption: it is none.
    """
    if not 0 <= test_fraction < 1:
        raise InvalidOption(f"test_fraction is {test_fraction}; it is a share, 0 to below 1")


def draw_held_out(number: int, fraction: float, seed: int) -> list[int] | None:
    """Draw which of a class's samples are held out, counted from 0: at least one.

    With a generator for each class, new samples of one leave the split of the others alone.

    Args:
        number: of the class's samples.
        fraction: the share held out, above 0.
        seed: of the draw.

    Returns:
        The samples' numbers; None: none would be left for training.
    """
    count = max(1, round(fraction * number))
    if count >= number:
        return None
    order = torch.randperm(number, generator=torch.Generator().manual_seed(seed))
    drawn: list[int] = order[:count].tolist()
    return drawn
