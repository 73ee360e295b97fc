"""A dataset of image files, decoded when they are asked for."""

import hashlib
import os
import statistics
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import PIL
import torch
from PIL import Image
from torch.utils.data import Dataset

from zoo_registry import BadSample, InvalidOption

from .._cores import usable_cores
from ._images import read_image
from ._resize import COVER

# C = channels, H/W = rows/columns

_PROBES = 256
"""Files whose headers are looked at, evenly spaced."""
_LONGEST_SIDE = 224
"""Of images whose sizes differ: what most networks for photographs were made for."""
_ORIENTATION = 0x0112
"""The EXIF tag for how the camera was held; from 5 on rows and columns change places."""
_GREY_MODES = frozenset(("1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "F"))


class ImageFiles(Dataset[tuple[torch.Tensor, int]]):
    """Images of one shape with their classes; picklable, so that workers can read it.

    Args:
        files: one or more.
        labels: the class's number of each file.
        channels: 1 for grey, 3 for RGB.
        size: (H, W) that every image is brought to.
        advice: what to do about a file that can't be read; ends the error's text.
    """

    def __init__(
        self,
        files: Sequence[Path],
        labels: Sequence[int],
        channels: int,
        size: tuple[int, int],
        advice: str = "",
    ) -> None:
        self.files = tuple(files)
        self.labels = torch.tensor(labels, dtype=torch.int64)
        self.channels = channels
        self.size = size
        self.advice = advice

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        """Return an image, uint8 (C, H, W), and its class.

        Raises:
            BadSample: the file can't be read; the text names it, and the way out.
        """
        try:
            image = read_image(self.files[index], self.channels, self.size)
        except BadSample as error:
            raise BadSample(f"{error}{self.advice and '; '}{self.advice}") from error
        return image, int(self.labels[index])

    def cache_key(self) -> str:
        """Return a text that is another one whenever an image would be, without decoding any.

        It stands for the files' names, sizes and times, what is made of them, and what by.

        Raises:
            BadSample: a file is gone.
        """
        digest = hashlib.sha256(
            f"{self.channels} {self.size} {COVER} PIL {PIL.__version__}".encode()
        )
        for file in self.files:
            try:
                facts = file.stat()
            except OSError as error:
                raise BadSample(f"{file} can't be read ({error.strerror})") from error
            digest.update(os.fsencode(file.absolute()))
            digest.update(f"\0{facts.st_size} {facts.st_mtime_ns}\0".encode())
        return digest.hexdigest()


def image_shape(image_size: int | tuple[int, int]) -> tuple[int, int]:
    """Return rows and columns, of which one number stands for squares.

    Raises:
        InvalidOption: there can be no such images.
    """
    shape = (image_size, image_size) if isinstance(image_size, int) else image_size
    if min(shape) < 1:
        raise InvalidOption(f"image_size is {image_size}; it is a number of pixels, from 1")
    return shape


def probe_images(files: Sequence[Path]) -> tuple[int, tuple[int, int]]:
    """Choose channels and (H, W) that suit `files`, by the headers of some of them.

    Grey only where all are grey; the images' own size where it is the same, else squares of the
    median shorter side, at most 224.

    Raises:
        BadSample: none of the files looked at is an image.
    """
    step = max(1, len(files) // _PROBES)
    headers = [header for file in files[::step] if (header := _header(file))]
    if not headers:
        raise BadSample(f"{files[0]} can't be read as an image, nor can any other file looked at")
    channels = 1 if all(mode in _GREY_MODES for mode, _ in headers) else 3
    sizes = [size for _, size in headers]
    if len(set(sizes)) == 1:
        return channels, sizes[0]
    side = min(_LONGEST_SIDE, round(statistics.median(min(size) for size in sizes)))
    return channels, (side, side)


def _header(file: Path) -> tuple[str, tuple[int, int]] | None:
    """Return mode and (H, W), upright, of an image file; None where it is none."""
    try:
        with Image.open(file) as image:
            turned = image.getexif().get(_ORIENTATION, 1) in (5, 6, 7, 8)
            return image.mode, image.size if turned else (image.height, image.width)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def unreadable_images(files: Iterable[Path]) -> list[Path]:
    """Decode every file, on all usable cores; return those that can't be read."""
    files = list(files)
    with ThreadPoolExecutor(usable_cores()) as pool:
        good = list(pool.map(_is_readable, files))
    return [file for file, is_good in zip(files, good, strict=True) if not is_good]


def _is_readable(file: Path) -> bool:
    try:
        read_image(file, channels=3)
    except BadSample:
        return False
    return True
