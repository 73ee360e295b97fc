"""How images lie in memory: channels last is what a GPU's convolutions are fastest with."""

import torch
from torch import nn


def convolves(model: nn.Module) -> bool:
    """Tell whether the model convolves images."""
    return any(isinstance(module, nn.Conv2d | nn.ConvTranspose2d) for module in model.modules())


def likes_channels_last(model: nn.Module, device: torch.device) -> bool:
    """Tell whether images and kernels should be laid out channels last.

    On CUDA. A CPU gains for some models and loses for others, and its backward pass of a
    convolution with few channels crashes or never ends in that layout (seen with torch 2.14 and
    AVX2: 4 channels, 3x3 and 1x1 kernels, a stride of 2), so there it is left to the model.
    """
    return device.type == "cuda" and convolves(model)


def in_best_layout(model: nn.Module, device: torch.device) -> nn.Module:
    """Lay the model's kernels out as its device likes them best; return the model.

    Saved weights are laid out plainly whatever the layout in memory.
    """
    if likes_channels_last(model, device):
        model.to(memory_format=torch.channels_last)
    return model
