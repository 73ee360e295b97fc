"""All GPUs of a machine in one process."""

import torch
from torch import nn

from zoo_registry import UsageError

from ._strategy import SingleDevice


class DataParallel(SingleDevice):
    """All GPUs of this machine in one process, through `nn.DataParallel`.

    The loss is computed on the gathered outputs, so that its mean is over the whole batch
    (a mean of the replicas' means would weigh a ragged last batch wrongly).

    Raises:
        UsageError: another device than CUDA, or one of several GPUs, was asked for.
    """

    def __init__(self, device: torch.device) -> None:
        if device.type != "cuda" and torch.cuda.is_available():
            raise UsageError(f"--parallel dp runs on the GPUs; leave out --device {device}")
        if device.type == "cuda" and device.index is not None:
            raise UsageError(
                f"--parallel dp uses every GPU; give --device cuda instead of {device}, or "
                "choose GPUs with CUDA_VISIBLE_DEVICES"
            )
        super().__init__(device)

    def wrap(self, model: nn.Module) -> nn.Module:
        """Move `model` and let DataParallel replicate it; without GPUs it passes through."""
        return nn.DataParallel(model.to(self.device))
