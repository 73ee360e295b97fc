"""How an image of any size becomes one of the model's: with PIL, and the same as arithmetic.

The arithmetic is what PIL computes, bit for bit, in operations that a graph can hold: runtimes
have resizing of their own, and no two agree.
"""

import math
from typing import Literal

import msgspec
import torch
from PIL import Image
from torch import Tensor

from zoo_registry import BadSample, InvalidData

# B = batch, C = channels, H/W = rows/columns of an image, h/w = of the model's
# N = places along a side of the image, n = along the model's

_KERNELS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
_FINEST = 2.0**22
"""PIL's weights are whole multiples of its inverse."""
_COARSE = 2.0**11
"""Weights are split in two, so that float32 adds up each part without rounding."""

_MOST = 2**28
"""Pixels on the way."""


class Resize(msgspec.Struct, frozen=True, kw_only=True):
    """How an image is brought to the model's size."""

    mode: Literal["cover", "shorter", "squash"] = "cover"
    """`cover`: the largest part of the model's proportions, from the centre, is scaled to its size.
    `shorter`: the whole is scaled until both sides are long enough, and the centre is cut out.
    `squash`: likewise, but to the model's proportions, whatever the image's own."""
    filter: Literal["bilinear", "bicubic"] = "bilinear"
    """PIL's, which looks at all pixels that an image is made smaller from."""
    share: float = 1.0
    """Of the sides that it is scaled to, how much is kept; 1 with `cover`."""

    def __post_init__(self) -> None:
        """Refuse what can't be done.

        Raises:
            InvalidData: a share that would keep nothing, or more than there is.
        """
        if not 0.01 <= self.share <= 1 or (self.mode == "cover" and self.share != 1):
            raise InvalidData(
                f"resize: no image is cut by {self.mode} to {self.share} of its sides"
            )

    def image(self, image: Image.Image, size: tuple[int, int]) -> Image.Image:
        """Bring an image to `size`, rows and columns.

        Raises:
            BadSample: it is so thin that it would be scaled beyond all measure.
        """
        if self == COVER and (image.height, image.width) == size:
            return image
        sides = torch.tensor([image.height, image.width], dtype=torch.float64)
        starts, ends, scaled = (part.tolist() for part in self._part(sides, size))
        rows, columns = map(int, scaled)
        if max(rows * columns, image.height * columns) > _MOST:
            raise BadSample(f"an image of {image.width} by {image.height} pixels is too thin")
        kernel = _KERNELS[self.filter]
        # Which side goes first, and is rounded, would else be another one with another PIL.
        box = (starts[1], 0, ends[1], image.height)
        narrow = image.resize((columns, image.height), kernel, box)
        found = narrow.resize((columns, rows), kernel, (0, starts[0], columns, ends[0]))
        top, left = round((rows - size[0]) / 2), round((columns - size[1]) / 2)
        return found.crop((left, top, left + size[1], top + size[0]))

    def samples(self, samples: Tensor, size: tuple[int, int]) -> Tensor:
        """Do the same to images uint8 (B, C, H, W); returns uint8 (B, C, h, w)."""
        # Tensors, not numbers: a graph computes them from whatever size it is given.
        sides = torch.stack(
            [torch.full((), side, dtype=torch.float64) for side in samples.shape[-2:]]
        )
        starts, ends, scaled = self._part(sides, size)
        found = samples.float()
        for dim in (1, 0):  # columns first: it is rounded in between
            weights = self._weights(
                samples.shape[dim - 2], size[dim], starts[dim], ends[dim], scaled[dim]
            )
            found = _weighted(found, weights) if dim else _weighted(found.mT, weights).mT
        return found.to(torch.uint8)

    def _scaled(self, sides: Tensor, size: tuple[int, int]) -> Tensor:
        """Return the sides (2,) that an image with these is scaled to before its centre is cut out.

        As timm and torchvision have it, which differ for squares and other rectangles.
        """
        wanted = torch.tensor([math.floor(side / self.share) for side in size], dtype=torch.float64)
        if self.mode == "squash":
            return wanted
        if size[0] == size[1]:
            return (wanted * sides / sides.min()).floor()
        return (sides / (sides / wanted).min()).round()

    def _part(self, sides: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
        """Return where along each side the part that is scaled starts and ends, and to how much."""
        if self.mode != "cover":
            return torch.zeros_like(sides), sides, self._scaled(sides, size)
        wanted = torch.tensor(size, dtype=torch.float64)
        part = torch.minimum(sides, sides.flip(0) * (wanted / wanted.flip(0)))
        starts = (sides - part) / 2
        # PIL hands the corners on as float32.
        return starts.float(), (starts + part).float(), wanted

    def _weights(self, length: int, num: int, start: Tensor, end: Tensor, scaled: Tensor) -> Tensor:
        """Return what each of N pixels counts for each of n in the result: whole numbers (N, n)."""
        step = (end - start).double() / scaled
        cut = ((scaled - num) / 2).round()
        centres = start.double() + (torch.arange(num, dtype=torch.float64) + cut + 0.5) * step
        pixels = torch.arange(length, dtype=torch.float64).unsqueeze(1) + 0.5
        weights = self._kernel((pixels - centres) / step.clamp(min=1))
        weights = weights / weights.sum(0) * _FINEST
        return weights.sign() * (weights.abs() + 0.5).floor()

    def _kernel(self, distances: Tensor) -> Tensor:
        x = distances.abs()
        if self.filter == "bilinear":
            return (1 - x).clamp(min=0)
        near = (1.5 * x - 2.5) * x * x + 1
        far = ((x - 5) * x + 8) * x * -0.5 + 2
        return torch.where(x < 1, near, torch.where(x < 2, far, torch.zeros_like(x)))


COVER = Resize()
"""How the zoo itself brings images to a size."""


def _weighted(values: Tensor, weights: Tensor) -> Tensor:
    """Add up the last side of `values` (…, N) by `weights` (N, n), rounded as PIL does: (…, n)."""
    coarse = (weights / _COARSE).round()
    fine = weights - coarse * _COARSE
    main = values @ (coarse / (_FINEST / _COARSE)).float()
    rest = values @ (fine / _FINEST).float()
    whole = main.floor()
    return (whole + (main - whole + rest + 0.5).floor()).clamp(0, 255)
