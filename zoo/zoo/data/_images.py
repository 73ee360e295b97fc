"""Image files as the tensors that models take: one way for training and for prediction."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

from zoo_registry import BadSample

# C = channels, H/W = rows/columns


def read_image(path: Path, channels: int, size: tuple[int, int] | None = None) -> torch.Tensor:
    """Read an image file.

    The camera's orientation is applied, transparency lies on white, 16-bit values are scaled to
    8. With a `size`, the image is resized until it covers it, and its centre is cut out.

    Args:
        path: a file in any format that PIL reads.
        channels: 1 for grey, 3 for RGB.
        size: (H, W) of the result; None keeps the image's own.

    Returns:
        uint8 (C, H, W), values 0..255.

    Raises:
        BadSample: the file is missing, damaged or no image; the text names it.
    """
    try:
        with Image.open(path) as opened:
            image = _plain(ImageOps.exif_transpose(opened)).convert("L" if channels == 1 else "RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadSample(f"{path} can't be read as an image ({error})") from error
    if size is not None and (image.height, image.width) != size:
        image = ImageOps.fit(image, (size[1], size[0]), Image.Resampling.BILINEAR)
    pixels = np.asarray(image)
    return torch.tensor(pixels if channels == 1 else pixels.transpose(2, 0, 1)).view(
        channels, image.height, image.width
    )


def _plain(image: Image.Image) -> Image.Image:
    """Bring modes whose plain conversion would lose the picture to one that keeps it."""
    if image.mode.startswith("I") or image.mode == "F":
        # convert("L") would clip: 16-bit greys are scaled instead.
        values = np.asarray(image, dtype=np.float32)
        top = 65535.0 if values.max(initial=0.0) > 255 else 255.0
        return Image.fromarray((values * (255.0 / top)).clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return image
