"""Image files as the tensors that models take: one way for training and for prediction."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

from zoo_registry import BadSample

from ._resize import COVER, Resize

# C = channels, H/W = rows/columns

_BITS_PER_SAMPLE = 258
"""The number of a TIFF tag."""


def read_image(
    path: Path, channels: int, size: tuple[int, int] | None = None, resize: Resize = COVER
) -> torch.Tensor:
    """Read an image file.

    The camera's orientation is applied, transparency lies on white, 16-bit values are scaled to
    8, floats up to 1 by 255; other values beyond 0..255 are clipped. With a `size`,
    the image is brought to it.

    Args:
        path: a file in any format that PIL reads.
        channels: 1 for grey, 3 for RGB.
        size: (H, W) of the result; None keeps the image's own.
        resize: how; else until it covers the size, and its centre is cut out.

    Returns:
        uint8 (C, H, W), values 0..255.

    Raises:
        BadSample: the file is missing, damaged or no image; the text names it.
    """
    try:
        with Image.open(path) as opened:
            deep = _has_16_bits(opened)
            turned = _plain(ImageOps.exif_transpose(opened), deep=deep)
            image = turned.convert("L" if channels == 1 else "RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadSample(f"{path} can't be read as an image ({error})") from error
    if size is not None:
        try:
            image = resize.image(image, size)
        except BadSample as error:
            raise BadSample(f"{path} can't be used: {error}") from error
    pixels = np.asarray(image)
    return torch.tensor(pixels if channels == 1 else pixels.transpose(2, 0, 1)).view(
        channels, image.height, image.width
    )


def _has_16_bits(image: Image.Image) -> bool:
    """Tell whether greys go up to 65535. By mode and file format: pixels must not decide."""
    if image.mode.startswith("I;16"):
        return True
    # Mode "I" has 32 bits; PIL reads into it what some formats hold in 16.
    tags = getattr(image, "tag_v2", {})
    sixteen = image.format in ("PNG", "PPM") or tags.get(_BITS_PER_SAMPLE) == (16,)
    return image.mode == "I" and sixteen


def _plain(image: Image.Image, *, deep: bool) -> Image.Image:
    """Bring modes whose plain conversion would lose the picture to one that keeps it."""
    if image.mode.startswith("I"):
        whole = np.asarray(image).astype(np.int64)
        # convert("L") would clip: 16-bit greys are scaled instead.
        return Image.fromarray((whole // 257 if deep else whole).clip(0, 255).astype(np.uint8))
    if image.mode == "F":
        values = np.nan_to_num(np.asarray(image, dtype=np.float64))
        scale = 255 if values.max(initial=0.0) <= 1 else 1
        return Image.fromarray((values * scale).clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return image
