"""CIFAR-10, downloaded, checked and read by torchvision."""

from pathlib import Path

import numpy as np

from zoo import ArrayDataset
from zoo.data import fetch
from zoo_registry import InvalidData, Splits

from .plugin import CIFAR10_FILES, CIFAR10_URLS


def cifar10(root: Path) -> Splits:
    """Return CIFAR-10: 50,000 and 10,000 colour images, uint8 (3, 32, 32).

    A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.

    Args:
        root: holds `cifar-10-batches-py/`; it is downloaded where files are missing.

    Raises:
        DatasetUnavailable: files are missing and can't be downloaded.
        InvalidData: a file is damaged.
    """
    if not all((root / file).is_file() for file in CIFAR10_FILES):
        fetch("cifar10", root, urls=CIFAR10_URLS, files=CIFAR10_FILES, download=_download)
    # torchvision takes seconds to import: after what can fail without it.
    from torchvision.datasets import CIFAR10

    try:
        train, test = (CIFAR10(root, train=part) for part in (True, False))
    except RuntimeError as error:  # a checksum does not hold
        raise InvalidData(
            f"a file in {root / CIFAR10.base_folder} is damaged: its checksum is another one. "
            "Delete the folder to have it downloaded again"
        ) from error
    return Splits(
        train=_in_memory(train.data, train.targets),
        test=_in_memory(test.data, test.targets),
        classes=tuple(train.classes),
        mean=(0.4914, 0.4822, 0.4465),
        std=(0.2470, 0.2435, 0.2616),
    )


def _download(folder: Path) -> None:
    from torchvision.datasets import CIFAR10

    CIFAR10(folder, download=True)


def _in_memory(
    images: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]", labels: list[int]
) -> ArrayDataset:
    """Return images (N, H, W, C) as (N, C, H, W), side by side in memory."""
    return ArrayDataset(np.ascontiguousarray(images.transpose(0, 3, 1, 2)), np.asarray(labels))
