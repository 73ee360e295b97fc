"""A convolutional net that learns CIFAR-10 in few epochs."""

from typing import Literal

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - its name in all of torch's documentation

from zoo_registry import InvalidOption

from ._whitening import PATCH, cifar10_statistics, whitening_filters

# B = batch, C = channels, H/W = rows/columns, K = classes

SMALLEST = 9
"""Rows and columns that an image needs at least: three halvings after the first convolution."""
_LOGIT_SCALE = 1 / 9
"""Keeps the logits small, and so the gradients large, in the first steps."""
_VIEW_WEIGHTS = {1: (1.0,), 2: (1 / 2, 1 / 2), 6: (1 / 4, 1 / 4, 1 / 8, 1 / 8, 1 / 8, 1 / 8)}
"""What each view counts, by their number: the image and its mirror image half, together."""


class Cifar10Speed(nn.Module):
    """A whitening convolution, three blocks of two convolutions, and a linear layer.

    K. Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU", 2024,
    https://arxiv.org/abs/2404.00498. What makes it quick to train: the first filters whiten 2x2
    patches and stay as they are; the others start by passing their input on (Dirac filters); the
    norms have biases only, which can be given a high learning rate; their running statistics
    follow within a few steps.

    In evaluation the logits of several views of an image may be averaged. Training sees one.

    Args:
        in_channels: 3 for RGB, 1 for grey images.
        image_size: rows and columns, at least 9; one number for square images.
        num_classes: classes to tell apart.
        width: channels of the first block; the other two have four times as many.
        views: of each image in evaluation: 1 it alone, 2 with its mirror image, 6 with both also
            shifted by a pixel up and left, and down and right. Each costs a forward pass.

    Raises:
        InvalidOption: images too small or of other channels, or an option out of its range.
    """

    def __init__(
        self,
        in_channels: int = 3,
        image_size: int | tuple[int, int] = 32,
        num_classes: int = 10,
        width: int = 64,
        views: Literal[1, 2, 6] = 1,
    ) -> None:
        super().__init__()
        size = (image_size, image_size) if isinstance(image_size, int) else image_size
        _check(size, width, views)
        self.views = views
        filters = whitening_filters(cifar10_statistics(in_channels))
        self.whiten = nn.Conv2d(in_channels, len(filters), PATCH)
        self.whiten.weight = nn.Parameter(filters, requires_grad=False)
        assert self.whiten.bias is not None
        nn.init.zeros_(self.whiten.bias)
        self.blocks = nn.Sequential(
            Block(len(filters), width), Block(width, 4 * width), Block(4 * width, 4 * width)
        )
        self.head = nn.Linear(4 * width, num_classes, bias=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Score each image: float32 (B, C, H, W) -> logits (B, K)."""
        # Channels last is what convolutions like best, on CPUs and on GPUs.
        images = images.to(memory_format=torch.channels_last)
        if self.training or self.views == 1:
            return self._score(images)
        views = [*_mirrored(images), *(_shifted(images) if self.views == 6 else ())]
        weights = _VIEW_WEIGHTS[self.views]
        scores = [w * self._score(view) for w, view in zip(weights, views, strict=True)]
        return torch.stack(scores).sum(dim=0)

    def _score(self, images: torch.Tensor) -> torch.Tensor:
        features = self.blocks(F.gelu(self.whiten(images)))
        logits: torch.Tensor = self.head(features.amax(dim=(2, 3)))
        return _LOGIT_SCALE * logits


class Block(nn.Module):
    """Two 3x3 convolutions, pooled after the first: (B, in, H, W) -> (B, out, H // 2, W // 2)."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv1 = _identity(in_channels, out_channels)
        self.norm1 = _norm(out_channels)
        self.conv2 = _identity(out_channels, out_channels)
        self.norm2 = _norm(out_channels)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return float32 (B, out, H // 2, W // 2)."""
        images = F.gelu(self.norm1(F.max_pool2d(self.conv1(images), 2)))
        return F.gelu(self.norm2(self.conv2(images)))


def _identity(in_channels: int, out_channels: int) -> nn.Conv2d:
    """Return a convolution whose first outputs are its inputs; the rest starts as torch has it."""
    conv = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
    nn.init.dirac_(conv.weight[:in_channels])
    return conv


def _norm(channels: int) -> nn.BatchNorm2d:
    """Return a norm with a bias, but a scale that stays 1."""
    norm = nn.BatchNorm2d(channels, eps=1e-12, momentum=0.4)
    norm.weight.requires_grad_(False)
    return norm


def _mirrored(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return images, images.flip(3)


def _shifted(images: torch.Tensor) -> list[torch.Tensor]:
    """Return the images and their mirror images, a pixel down and right, then up and left."""
    rows, columns = images.shape[2:]
    padded = F.pad(images, (1, 1, 1, 1), mode="reflect")
    corners = (padded[:, :, :rows, :columns], padded[:, :, 2:, 2:])
    return [view for corner in corners for view in _mirrored(corner)]


def _check(size: tuple[int, int], width: int, views: int) -> None:
    if min(size) < SMALLEST:
        raise InvalidOption(
            f"images of {size[0]}x{size[1]} are too small for cifar10-speed, which takes "
            f"{SMALLEST}x{SMALLEST} and more; mlp takes any size"
        )
    if width < 1 or views not in _VIEW_WEIGHTS:
        raise InvalidOption(
            f"width is {width} and views {views}; cifar10-speed takes a width of 1 or more and "
            f"{', '.join(map(str, _VIEW_WEIGHTS))} views"
        )
