"""Handwritten digits that come with the package: a dataset that needs no network."""

from pathlib import Path
from typing import Any

import numpy as np

from zoo import ArrayDataset
from zoo_registry import Splits

_FILE = Path(__file__).with_name("digits.npz")
_SIZE = 28
_LARGEST = 16
"""The brightest value in the file: each pixel counts those of 4x4 that were inked."""
_UNIT = 1 << 12
"""Weights of the scaling are whole multiples of 1/_UNIT: exact sums, the same on any machine."""


def digits(root: Path) -> Splits:  # noqa: ARG001 - every dataset is given one; these are here
    """Return 1,438 and 359 grey images of digits, uint8 (1, 28, 28).

    E. Alpaydin & C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
    Repository, 1998, https://doi.org/10.24432/C50P49, CC BY 4.0; see `LICENSE-DATA`. Scaled up
    from 8x8. The split is fixed, with the same share of every class.

    Args:
        root: unused.
    """
    with np.load(_FILE, allow_pickle=False) as file:
        images, labels, is_test = file["images"], file["labels"], file["is_test"]
    images, labels = enlarge(images)[:, None], labels.astype(np.int64)
    return Splits(
        train=ArrayDataset(images[~is_test], labels[~is_test]),
        test=ArrayDataset(images[is_test], labels[is_test]),
        classes=tuple("0123456789"),
        mean=(0.3098,),
        std=(0.3500,),
    )


def enlarge(images: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Scale images (N, 8, 8) of 0..16 to (N, 28, 28) of 0..255, by cubic convolution.

    R. Keys, "Cubic convolution interpolation for digital image processing", 1981.
    """
    weights = _weights(images.shape[-1], _SIZE)
    sums = weights @ images.astype(np.int64) @ weights.T  # (N, 28, 28), in 1/_UNIT**2 of 1/16
    whole = _LARGEST * _UNIT**2
    rounded = np.clip((255 * sums + whole // 2) // whole, 0, 255)
    return np.asarray(rounded, dtype=np.uint8)


def _weights(size: int, new_size: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the weight of each old pixel in each new one, int64 (new_size, size) of 1/_UNIT.

    Beyond the edge the image goes on as at the edge; every row sums to _UNIT.
    """
    weights = np.zeros((new_size, size))
    for new in range(new_size):
        centre = (new + 0.5) * size / new_size - 0.5
        first = int(np.floor(centre)) - 1
        for old in range(first, first + 4):
            weights[new, min(max(old, 0), size - 1)] += _cubic(abs(old - centre))
    whole = np.rint(weights * _UNIT).astype(np.int64)
    whole[np.arange(new_size), whole.argmax(1)] += _UNIT - whole.sum(1)
    return whole


def _cubic(distance: float) -> float:
    """Return Keys's kernel (a = -1/2) at a distance of 0 to 2 pixels."""
    if distance < 1:
        return 1.5 * distance**3 - 2.5 * distance**2 + 1
    return -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2
