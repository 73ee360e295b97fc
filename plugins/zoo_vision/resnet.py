"""Residual networks for small images."""

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - its name in all of torch's documentation

from zoo_registry import InvalidOption

# B = batch, C = channels, H/W = rows/columns, K = classes


def resnet18(in_channels: int = 3, num_classes: int = 10, width: int = 64) -> nn.Module:
    """Return a ResNet-18 whose stem is a 3x3 convolution without stride and max-pooling.

    K. He, X. Zhang, S. Ren & J. Sun, "Deep Residual Learning for Image Recognition", 2015,
    https://arxiv.org/abs/1512.03385, with the stem of its own networks for CIFAR-10.

    Args:
        in_channels: 1 for grey images, 3 for RGB.
        num_classes: classes to tell apart.
        width: channels of the stem and the first stage; each further stage has twice as many.

    Raises:
        InvalidOption: a width below 1.
    """
    if width < 1:
        raise InvalidOption(f"width is {width}; resnet18 takes a width of 1 or more")
    return ResNet(in_channels, num_classes, width, blocks=(2, 2, 2, 2))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut: (B, in, H, W) -> (B, out, H/stride, W/stride)."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(out_channels)
        self.shortcut = nn.Sequential()
        if stride != 1 or in_channels != out_channels:
            self.shortcut.append(nn.Conv2d(in_channels, out_channels, 1, stride, bias=False))
            self.shortcut.append(nn.BatchNorm2d(out_channels))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return float32 (B, out, H/stride, W/stride), rounded up."""
        residual = F.relu(self.norm1(self.conv1(images)))
        residual = self.norm2(self.conv2(residual))
        return F.relu(self.shortcut(images) + residual)


class ResNet(nn.Module):
    """A stem, stages of `BasicBlock`s, each but the first at half the resolution, and a head.

    Args:
        in_channels: of the images.
        num_classes: classes to tell apart.
        width: channels of the first stage.
        blocks: number of blocks of each stage.
    """

    def __init__(
        self, in_channels: int, num_classes: int, width: int, blocks: tuple[int, ...]
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(in_channels, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
        )
        self.stages = nn.Sequential()
        channels = width
        for number, num_blocks in enumerate(blocks):
            stage = nn.Sequential()
            for index in range(num_blocks):
                stride = 2 if number > 0 and index == 0 else 1
                stage.append(BasicBlock(channels, width * 2**number, stride))
                channels = width * 2**number
            self.stages.append(stage)
        self.head = nn.Linear(channels, num_classes)
        self._initialise()

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, BasicBlock):
                # Each block starts as its shortcut (Goyal et al. 2017, arxiv.org/abs/1706.02677).
                nn.init.zeros_(module.norm2.weight)
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.zeros_(self.head.bias)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Score each image: float32 (B, C, H, W) -> logits (B, K)."""
        features = self.stages(self.stem(images))
        logits: torch.Tensor = self.head(features.mean(dim=(2, 3)))
        return logits
