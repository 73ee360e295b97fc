"""MNIST and Fashion-MNIST: read from their own files, downloaded by torchvision."""

from collections.abc import Sequence
from pathlib import Path

from zoo import ArrayDataset
from zoo.data import fetch
from zoo_registry import InvalidData, Splits

from ._idx import find_idx, read_idx
from .plugin import FASHION_MNIST_FILES, FASHION_MNIST_URLS, MNIST_FILES, MNIST_URLS

_CLOTHES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


def mnist(root: Path) -> Splits:
    """Return MNIST: 60,000 and 10,000 grey images of digits, uint8 (1, 28, 28).

    Y. LeCun, L. Bottou, Y. Bengio & P. Haffner, "Gradient-Based Learning Applied to Document
    Recognition", 1998.

    Args:
        root: holds `MNIST/raw/`, with the four IDX files as they are or gzipped; they are
            downloaded where some are missing.

    Raises:
        DatasetUnavailable: files are missing and can't be downloaded.
        InvalidData: a file is damaged; the text names it.
    """
    if not _are_there(root, MNIST_FILES):
        fetch("mnist", root, urls=MNIST_URLS, files=MNIST_FILES, download=_download_mnist)
    classes = tuple("0123456789")
    return _read(root, MNIST_FILES, classes, mean=0.1307, std=0.3081)


def fashion_mnist(root: Path) -> Splits:
    """Return Fashion-MNIST: 60,000 and 10,000 grey images of clothes, uint8 (1, 28, 28).

    H. Xiao, K. Rasul & R. Vollgraf, "Fashion-MNIST", 2017, https://arxiv.org/abs/1708.07747.

    Args:
        root: holds `FashionMNIST/raw/`, with the four IDX files as they are or gzipped; they are
            downloaded where some are missing.

    Raises:
        DatasetUnavailable: files are missing and can't be downloaded.
        InvalidData: a file is damaged; the text names it.
    """
    files = FASHION_MNIST_FILES
    if not _are_there(root, files):
        fetch(
            "fashion-mnist", root, urls=FASHION_MNIST_URLS, files=files, download=_download_clothes
        )
    return _read(root, files, _CLOTHES, mean=0.2860, std=0.3530)


# torchvision takes seconds to import: only a download pays for it.
def _download_mnist(folder: Path) -> None:
    from torchvision.datasets import MNIST

    MNIST(folder, download=True)


def _download_clothes(folder: Path) -> None:
    from torchvision.datasets import FashionMNIST

    FashionMNIST(folder, download=True)


def _are_there(root: Path, files: Sequence[str]) -> bool:
    return all(find_idx(root / file) for file in files)


def _read(
    root: Path, files: Sequence[str], classes: tuple[str, ...], *, mean: float, std: float
) -> Splits:
    """Read training images and labels, test images and labels, in the order of `files`."""
    paths = [find_idx(root / file) or root / file for file in files]
    train, test = (_read_split(*pair) for pair in (paths[:2], paths[2:]))
    return Splits(train=train, test=test, classes=classes, mean=(mean,), std=(std,))


def _read_split(image_file: Path, label_file: Path) -> ArrayDataset:
    """Return uint8 images (N, 1, H, W) with int64 labels (N,)."""
    images, labels = read_idx(image_file, 3), read_idx(label_file, 1)
    if len(images) != len(labels):
        raise InvalidData(
            f"{image_file} has {len(images)} images, but {label_file.name} {len(labels)} labels; "
            "delete both to have them downloaded again"
        )
    return ArrayDataset(images[:, None], labels.astype("int64"))
