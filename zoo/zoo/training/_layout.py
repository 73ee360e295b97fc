"""How images lie in memory: channels last is what convolutions are fastest with."""

import torch
from torch import nn


def convolves(model: nn.Module) -> bool:
    """Tell whether the model convolves images."""
    return any(isinstance(module, nn.Conv2d | nn.ConvTranspose2d) for module in model.modules())


def in_best_layout(model: nn.Module) -> nn.Module:
    """Lay the kernels of a model that convolves images out channels last; return the model.

    Saved weights are laid out plainly whatever the layout in memory.
    """
    if convolves(model):
        model.to(memory_format=torch.channels_last)
    return model
