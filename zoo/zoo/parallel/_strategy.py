"""Strategies: who computes a step. Each is small, and the loop has no `if` for any of them."""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import nn

from zoo_registry import UsageError


class Strategy(Protocol):
    """Owns the hardware of a training."""

    device: torch.device
    """Where samples go and where outputs come from."""

    def wrap(self, model: nn.Module) -> nn.Module:
        """Move `model` to its device and return the module that the loop calls."""
        ...


class SingleDevice:
    """One device, one process."""

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def wrap(self, model: nn.Module) -> nn.Module:
        """Move `model`; the loop calls it as it is."""
        return model.to(self.device)


class DataParallel:
    """All GPUs of this machine in one process, through `nn.DataParallel`.

    The loss is computed on the gathered outputs, so that its mean is over the whole batch
    (a mean of the replicas' means would weigh a ragged last batch wrongly).
    """

    def __init__(self, device: torch.device) -> None:
        if device.type != "cuda" and torch.cuda.is_available():
            raise UsageError(f"--parallel dp runs on the GPUs; leave out --device {device}")
        if device.type == "cuda" and device.index is not None:
            raise UsageError(
                f"--parallel dp uses every GPU; give --device cuda instead of {device}, or "
                "choose GPUs with CUDA_VISIBLE_DEVICES"
            )
        self.device = device

    def wrap(self, model: nn.Module) -> nn.Module:
        """Move `model` and let DataParallel replicate it; without GPUs it passes through."""
        return nn.DataParallel(model.to(self.device))


STRATEGIES: dict[str, Callable[[torch.device], Strategy]] = {
    "none": SingleDevice,
    "dp": DataParallel,
}


def make_strategy(parallel: str, device: torch.device) -> Strategy:
    """Return the strategy named `parallel` on `device`.

    Raises:
        UsageError: no such strategy.
    """
    if parallel not in STRATEGIES:
        raise UsageError(
            f"no way of running named {parallel!r}; there are: {', '.join(STRATEGIES)}"
        )
    return STRATEGIES[parallel](device)
