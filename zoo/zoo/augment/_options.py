"""The options of augmentation."""

from dataclasses import dataclass
from typing import Literal

import torch

from ._checks import (
    require_channels,
    require_classification,
    require_flip,
    require_images,
    require_number,
    require_pixels,
    require_range,
    require_within,
)
from ._transform import Transform, find_transform

# B = batch, C = channels, H/W = rows/columns

JITTER = ("brightness", "contrast", "saturation")
"""The options that change colours, in the order in which they do."""
_OF_IMAGES = ("crop", "flip", *JITTER, "erase", "cutmix")
_MIXING = ("mixup", "cutmix")


@dataclass(frozen=True, kw_only=True)
class Options:
    """What is done to the samples of a training.

    Raises:
        InvalidOption: a value out of its range.
    """

    crop: int = 0
    """Pixels of zeros around an image, out of which its size is cut at random."""
    flip: bool | Literal["alternating"] = False
    """True: half of the images, drawn anew each epoch, are flipped from left to right.
    `alternating`: each image every other epoch (Jordan, 2024, arXiv 2404.00498)."""
    brightness: float = 0.0
    """Each image is multiplied by a number from 1 - this, or 0, to 1 + this."""
    contrast: float = 0.0
    """As `brightness`: the distance of each pixel from the image's mean grey."""
    saturation: float = 0.0
    """As `brightness`: the distance of each pixel from its own grey."""
    erase: float = 0.0
    """Probability of an image to have a box erased (Zhong et al., 2017, arXiv 1708.04896)."""
    mixup: float = 0.0
    """Alpha: a sample keeps a share drawn from Beta(alpha, alpha), the rest is another's; 0: off.
    With cutmix as well, each sample draws one of the two."""
    cutmix: float = 0.0
    """Alpha: as `mixup`, of the image's area; the rest is a box cut from another image."""
    transform: str | None = None
    """Address of a transform that is called with each sample as it is read."""

    def __post_init__(self) -> None:
        require_pixels("crop", self.crop)
        require_flip(self.flip)
        for name in JITTER:
            require_number(name, getattr(self, name))
        require_number("erase", self.erase, 1)
        for name in _MIXING:
            require_number(name, getattr(self, name), 10)

    @property
    def is_on(self) -> bool:
        """Whether anything is done to samples at all, a transform included."""
        return self.needs_images or self.mixes or self.transform is not None

    @property
    def needs_images(self) -> bool:
        """Whether samples must be images (C, H, W)."""
        return bool(self._on(_OF_IMAGES))

    @property
    def mixes(self) -> bool:
        """Whether samples are mixed with one another, and their targets with them."""
        return bool(self._on(_MIXING))

    @property
    def jitter(self) -> dict[str, float]:
        """How strongly colours are changed, by the name of the option; those that are on."""
        return {name: getattr(self, name) for name in self._on(JITTER)}

    def check(self, shape: tuple[int, ...], task: str, samples: torch.Tensor | None = None) -> None:
        """Refuse what can't be done to the samples of a dataset.

        Args:
            shape: of a sample, without the batch.
            task: that the dataset is for.
            samples: some of them, (B, …) as the dataset has them, to look at their values.

        Raises:
            InvalidOption: the options don't fit; the text says which, and why.
        """
        require_classification(self._on(_MIXING), task)
        require_images(self._on(_OF_IMAGES), shape)
        if self.crop:
            require_within(self.crop, shape)
        if self.contrast:
            require_channels("contrast", (1, 3), shape)
        if self.saturation:
            require_channels("saturation", (3,), shape)
        if self.jitter and samples is not None:
            require_range(samples)

    def sample_transform(self) -> Transform | None:
        """Import the transform of single samples: (…) -> (…), same shape and dtype.

        Raises:
            InvalidOption: its address leads to nothing that could be called.
        """
        return None if self.transform is None else find_transform(self.transform)

    def _on(self, names: tuple[str, ...]) -> list[str]:
        return [name for name in names if getattr(self, name)]
