"""Holding samples out of a dataset that has no test part of its own."""

import torch

from zoo.data import draw_held_out, require_share
from zoo_registry import InvalidData

# N = samples in all


def hold_out(labels: torch.Tensor, fraction: float, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Split the samples of each class in two, the same share of each, at least one.

    Args:
        labels: the class of each sample, int64 (N,).
        fraction: the share held out; 0 for none.
        seed: of the draw, which is another one for each class.

    Returns:
        The numbers of the samples that are kept, and of those held out, int64, in order.

    Raises:
        InvalidOption: `fraction` is no share.
        InvalidData: a class has a single sample.
    """
    require_share(fraction)
    is_test = torch.zeros(len(labels), dtype=torch.bool)
    for label in labels.unique().tolist() if fraction else ():
        members = (labels == label).nonzero().flatten()
        drawn = draw_held_out(len(members), fraction, seed)
        if drawn is None:
            raise InvalidData(
                f"class {label} has {len(members)} samples, too few to hold out {fraction:g} of "
                "them; set dataset.test_fraction=0 to hold out none"
            )
        is_test[members[drawn]] = True
    return (~is_test).nonzero().flatten(), is_test.nonzero().flatten()
