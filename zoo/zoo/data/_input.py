"""What a model is fed: the shape of a sample, and how it becomes floats."""

import math
from typing import Any

import msgspec
import torch

from zoo_registry import InvalidData

from ._arrays import sent
from ._resize import COVER, Resize

# B = batch, C = channels, H/W = rows/columns

_DTYPES = (
    *("bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"),
    *("float16", "bfloat16", "float32", "float64"),
)
_MOST = 2**28
"""Values of one sample: some are made up, and what is far beyond any memory is a slip or a trap."""


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
    resize: Resize = COVER
    """How an image file of another size is brought to that of `shape`."""

    def __post_init__(self) -> None:
        """Check what a stranger's file, or a plugin, may have made of it.

        Raises:
            InvalidData: there are no such samples, or they can't be normalised so.
        """
        if min(self.shape, default=1) < 1:
            raise InvalidData(f"there are no samples of shape {self.shape}")
        if math.prod(self.shape) > _MOST:
            raise InvalidData(
                f"a sample of shape {self.shape} has more than {_MOST:,} values; make it smaller"
            )
        if self.dtype not in _DTYPES:
            raise InvalidData(f"samples are of {', '.join(_DTYPES)}, not {self.dtype[:40]!r}")
        channels = self.shape[0] if self.is_image else 1
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) not in (0, 1, channels):
                raise InvalidData(f"{name} has {len(values)} values for {channels} channels")
            if not all(math.isfinite(value) for value in values):
                raise InvalidData(f"{name} is {values}; each value must be finite")
        if not all(value > 0 for value in self.std):
            raise InvalidData(f"std is {self.std}; each value must be above 0")

    @property
    def is_image(self) -> bool:
        """Whether a sample is an image (C, H, W)."""
        return len(self.shape) == 3

    @property
    def is_photo(self) -> bool:
        """Whether a sample is what an image file becomes: bytes of one channel, or of three."""
        return self.is_image and self.dtype == "uint8" and self.shape[0] in (1, 3)

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

    Samples are first brought to the dtype of `spec`, that of the training's samples. uint8
    samples then become `(x/255 - mean) / std`; other samples are cast to `dtype`. Where that is
    None, whole numbers stay what they are and floats become float32. Labels are cast to
    `label_dtype`. With `channels_last` images are laid out as convolutions like them best.
    """

    def __init__(
        self,
        spec: InputSpec,
        device: torch.device,
        dtype: torch.dtype | None,
        label_dtype: torch.dtype,
        *,
        channels_last: bool = False,
    ) -> None:
        self.spec = spec
        self.device = device
        self.dtype = dtype
        self.label_dtype = label_dtype
        self._layout = torch.channels_last if channels_last else torch.preserve_format
        # (x/255 - mean) / std as one multiplication and one addition: x * scale + shift
        std = torch.tensor(spec.std or (1.0,), dtype=torch.float64)
        mean = torch.tensor(spec.mean or (0.0,), dtype=torch.float64)
        dims = (-1, *[1] * (len(spec.shape) - 1)) if spec.is_image else (-1,)
        self._scale = (1 / (255 * std)).to(device, dtype or torch.float32).view(dims)
        self._shift = (-mean / std).to(device, dtype or torch.float32).view(dims)

    def samples(self, samples: torch.Tensor) -> torch.Tensor:
        """Move and convert samples (B, …).

        Raises:
            InvalidData: their dtype can't become that of the training's samples without loss.
        """
        return self.convert(self.move(samples))

    def move(self, samples: torch.Tensor) -> torch.Tensor:
        """Bring samples (B, …) to the device, in the dtype of the training's samples.

        Raises:
            InvalidData: their dtype can't become that one without loss.
        """
        samples = match_dtype(samples, self.spec)
        return sent(movable(samples, self.device), self.device)

    def convert(self, samples: torch.Tensor) -> torch.Tensor:
        """Normalise and cast samples (B, …) that were moved; lay images out as asked for."""
        if samples.dtype == torch.uint8:
            samples = samples.to(self._scale.dtype, memory_format=self._layout)
            return samples.mul_(self._scale).add_(self._shift)
        dtype = self.dtype
        if dtype is None:  # whole numbers are what the model embeds
            dtype = self._scale.dtype if samples.is_floating_point() else samples.dtype
        return samples.to(dtype, memory_format=self._layout)

    def labels(self, labels: torch.Tensor) -> torch.Tensor:
        """Move and cast labels (B,) or (B, K)."""
        # Cast where they arrive: a copy that also casts is waited for.
        return sent(movable(labels, self.device), self.device).to(self.label_dtype)


def match_dtype(samples: torch.Tensor, spec: InputSpec, what: str = "samples") -> torch.Tensor:
    """Bring samples (B, …) to the dtype that the training's samples had, value for value.

    The dtype decides how samples are scaled: uint8 images are divided by 255, floats are not.

    Args:
        samples: of any dtype.
        spec: of the training's samples.
        what: names them in the error's text.

    Raises:
        InvalidData: a value would change; or bytes for a model trained on images of floats, of
            which nobody knows how they were scaled.
    """
    dtype: torch.dtype = getattr(torch, spec.dtype)
    if samples.dtype == dtype or (samples.is_floating_point() and dtype.is_floating_point):
        return samples
    name = str(samples.dtype).removeprefix("torch.")
    if spec.is_image and dtype.is_floating_point:
        raise InvalidData(
            f"{what} are {name}; the model was trained on images of {spec.dtype}: convert and "
            "scale them as its training data was"
        )
    if not _fits(samples, dtype):
        values = "whole values 0..255" if dtype == torch.uint8 else f"what {spec.dtype} can hold"
        raise InvalidData(
            f"{what} are {name}, with other values than {values}; the model was trained on "
            f"{spec.dtype}: scale them as its training data was"
        )
    return samples.to(dtype)


def _fits(samples: torch.Tensor, dtype: torch.dtype) -> bool:
    """Tell whether every value has an exact counterpart in `dtype`."""
    if samples.is_floating_point():
        # Outside of its range a cast to whole numbers is undefined, so it is checked before.
        top = 1 if dtype == torch.bool else torch.iinfo(dtype).max
        bottom = 0 if dtype == torch.bool else torch.iinfo(dtype).min
        if not bool(((samples >= bottom) & (samples <= top)).all()):  # false for NaN, too
            return False
    return torch.equal(samples.to(dtype).to(samples.dtype), samples)


def movable(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Return `tensor` in a dtype that `device` has: Apple's GPUs have no float64."""
    return tensor.float() if device.type == "mps" and tensor.dtype == torch.float64 else tensor
