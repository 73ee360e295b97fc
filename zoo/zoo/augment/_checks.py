"""What the options of augmentation may be, and which samples they can be used on."""

import math
from collections.abc import Collection, Iterable

import torch

from zoo_registry import InvalidOption

# B = batch, C = channels, H/W = rows/columns


def require_pixels(name: str, value: object) -> None:
    """Refuse what is no whole number of 0 or more."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidOption(
            f"augment.{name} must be a whole number of pixels, 0 or more, not {value!r}"
        )


def require_number(name: str, value: object, high: float = math.inf) -> None:
    """Refuse what is no finite number from 0 to `high`."""
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    if not 0 <= number <= high or number == math.inf:
        limits = "0 or more" if high == math.inf else f"from 0 to {high:g}"
        raise InvalidOption(f"augment.{name} must be a number, {limits}, not {value!r}")


def require_flip(value: object) -> None:
    """Refuse what is neither a bool nor the name of a way to flip."""
    if not isinstance(value, bool) and value != "alternating":
        raise InvalidOption(f"augment.flip must be true, false or 'alternating', not {value!r}")


def require_images(names: Iterable[str], shape: tuple[int, ...]) -> None:
    """Refuse options that change images, if there are any, for samples that are none."""
    if (wrong := _listed(names)) and len(shape) != 3:
        raise InvalidOption(
            f"{wrong}: for images (C, H, W) only; these samples have shape {shape}: leave it out"
        )


def require_channels(name: str, allowed: Collection[int], shape: tuple[int, ...]) -> None:
    """Refuse a change of colours that the number of channels has no meaning for."""
    if shape[0] not in allowed:
        raise InvalidOption(
            f"augment.{name}: for images of {' or '.join(map(str, allowed))} channels; these have "
            f"{shape[0]}: leave it out"
        )


def require_within(crop: int, shape: tuple[int, ...]) -> None:
    """Refuse a crop that may leave nothing of an image."""
    smaller = min(shape[1:])
    if crop >= smaller:
        raise InvalidOption(
            f"augment.crop={crop}: a crop of these {shape[1]}x{shape[2]} images could miss them; "
            f"at most {smaller - 1}"
        )


def require_classification(names: Iterable[str], task: str) -> None:
    """Refuse options that mix classes, if there are any, where there are none to mix."""
    if (wrong := _listed(names)) and task != "classification":
        raise InvalidOption(f"{wrong}: for classification only; the task is {task}: leave it out")


def require_colours(samples: torch.Tensor) -> None:
    """Refuse samples (B, C, H, W) whose values can't be read as colours by their dtype."""
    if samples.dtype != torch.uint8 and not samples.is_floating_point():
        raise InvalidOption(
            f"augment can't change the colours of {_dtype(samples)} samples; they must be uint8, "
            "or floats from 0 to 1"
        )


def require_floats(samples: torch.Tensor) -> None:
    """Refuse samples (B, …) that have no values in between, to be averaged."""
    if not samples.is_floating_point():
        raise InvalidOption(f"augment.mixup can't average {_dtype(samples)} samples: leave it out")


def require_range(samples: torch.Tensor) -> None:
    """Refuse samples (B, C, H, W) of floats that are no colours from 0 to 1."""
    require_colours(samples)
    if samples.is_floating_point() and not bool(((samples >= 0) & (samples <= 1)).all()):
        low, high = samples.min().item(), samples.max().item()
        raise InvalidOption(
            f"augment can't change colours that lie between {low:g} and {high:g}: floats must be "
            "from 0 to 1; give the dataset as uint8, which is normalised afterwards"
        )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"augment.{name}" for name in names)


def _dtype(samples: torch.Tensor) -> str:
    return str(samples.dtype).removeprefix("torch.")
