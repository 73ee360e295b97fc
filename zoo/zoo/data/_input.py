"""What a model is fed: the shape of a sample, and how it becomes floats."""

import math
from typing import Any

import msgspec
import torch

# B = batch, C = channels, H/W = rows/columns


class InputSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One sample as the dataset gives it, and its normalisation. Travels with the weights."""

    shape: tuple[int, ...]
    """Without the batch: (C, H, W) for images, (D,) for tables."""
    dtype: str
    """The dataset's dtype, in torch's spelling: `uint8`, `float32`."""
    mean: tuple[float, ...] = ()
    """Per channel, of samples scaled to 0..1; empty where samples are not normalised."""
    std: tuple[float, ...] = ()
    """As `mean`."""

    @property
    def is_image(self) -> bool:
        """Whether a sample is an image (C, H, W)."""
        return len(self.shape) == 3

    def sizes(self) -> dict[str, Any]:
        """Return what a model's signature may ask of the dataset: channels, size, features."""
        sizes: dict[str, Any] = {"in_features": math.prod(self.shape)}
        if self.is_image:
            channels, height, width = self.shape
            sizes["in_channels"] = channels
            sizes["image_size"] = height if height == width else (height, width)
        return sizes


class Prepare:
    """Turns a batch as the dataset gives it into what the model takes, on its device.

    uint8 samples become `(x/255 - mean) / std`; other samples are cast to `dtype`, unless that
    is None; labels are cast to `label_dtype`.
    """

    def __init__(
        self,
        spec: InputSpec,
        device: torch.device,
        dtype: torch.dtype | None,
        label_dtype: torch.dtype,
    ) -> None:
        self.device = device
        self.dtype = dtype
        self.label_dtype = label_dtype
        # (x/255 - mean) / std as one multiplication and one addition: x * scale + shift
        std = torch.tensor(spec.std or (1.0,), dtype=torch.float64)
        mean = torch.tensor(spec.mean or (0.0,), dtype=torch.float64)
        dims = (-1, *[1] * (len(spec.shape) - 1)) if spec.is_image else (-1,)
        self._scale = (1 / (255 * std)).to(device, dtype or torch.float32).view(dims)
        self._shift = (-mean / std).to(device, dtype or torch.float32).view(dims)

    def samples(self, samples: torch.Tensor) -> torch.Tensor:
        """Move and convert samples (B, …)."""
        samples = samples.to(self.device, non_blocking=True)
        if samples.dtype == torch.uint8:
            return samples.to(self._scale.dtype).mul_(self._scale).add_(self._shift)
        return samples if self.dtype is None else samples.to(self.dtype)

    def labels(self, labels: torch.Tensor) -> torch.Tensor:
        """Move and cast labels (B,) or (B, K)."""
        return labels.to(self.device, self.label_dtype, non_blocking=True)
