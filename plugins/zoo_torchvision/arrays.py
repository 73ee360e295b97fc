"""torchvision's datasets of small images of one size: read into memory, as bytes."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from zoo import ArrayDataset
from zoo.data import pixel_statistics
from zoo_registry import InvalidData, Splits

from ._catalogue import EMNIST_KINDS, emnist_files
from ._hold_out import hold_out
from ._patches import Patches
from ._sets import Source, open_sets

# N = samples in all, C = channels, H/W = rows/columns

_BY_TRAIN: Any = {"train": ({"train": True},), "test": {"train": False}}
_SOURCES = {
    "cifar100": Source("CIFAR100", **_BY_TRAIN),
    "fer2013": Source("FER2013"),
    "kmnist": Source("KMNIST", **_BY_TRAIN),
    "pcam": Source("PCAM", needs="h5py"),
    "qmnist": Source("QMNIST", **_BY_TRAIN),
    "semeion": Source("SEMEION", ({"download": False},), None),
    "stl10": Source("STL10"),
    "svhn": Source("SVHN", needs="scipy"),
    "usps": Source("USPS", **_BY_TRAIN),
}
_EXPRESSIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
_DIGITS = tuple("0123456789")
_CLASSES = {
    "fer2013": _EXPRESSIONS,
    "semeion": _DIGITS,
    "svhn": _DIGITS,
    "usps": _DIGITS,
}
"""Where torchvision's class has no names."""


def arrays(root: Path, source: str) -> Splits:
    """Return a dataset that torchvision reads into memory: uint8 (C, H, W).

    Args:
        root: holds its files in torchvision's layout; they are downloaded where some are missing.
        source: the dataset's name.

    Raises:
        DatasetUnavailable: files are missing and can't be downloaded.
        InvalidData: a file is damaged.
    """
    (train,), test = open_sets(source, _SOURCES[source], root)
    return _splits(_in_memory(train), _in_memory(test), _CLASSES.get(source) or _names(train))


def held_out(root: Path, source: str, test_fraction: float = 0.2, split_seed: int = 0) -> Splits:
    """Return a dataset without a test part: uint8 (C, H, W), the same share of each class held out.

    Args:
        root: holds its files in torchvision's layout; they are downloaded where some are missing.
        source: the dataset's name.
        test_fraction: share of each class held out; 0 for none.
        split_seed: draws the held-out images; the same for runs that are to be compared.

    Raises:
        DatasetUnavailable: files are missing and can't be downloaded.
        InvalidData: a file is damaged.
    """
    (whole,), _ = open_sets(source, _SOURCES[source], root)
    samples = _in_memory(whole)
    kept, out = hold_out(samples.labels, test_fraction, split_seed)
    test = ArrayDataset(*samples.batch(out)) if len(out) else None
    return _splits(ArrayDataset(*samples.batch(kept)), test, _CLASSES[source])


def emnist(
    root: Path,
    source: str,
    split: Literal["balanced", "byclass", "bymerge", "digits", "letters", "mnist"] = "balanced",
) -> Splits:
    """Return EMNIST: uint8 (1, 28, 28), turned as they are read, where the files lie on their side.

    G. Cohen, S. Afshar, J. Tapson & A. van Schaik, "EMNIST: an extension of MNIST to handwritten
    letters", 2017, https://arxiv.org/abs/1702.05373.

    Args:
        root: holds `EMNIST/raw/`, unpacked; it is downloaded where files are missing.
        source: the dataset's name.
        split: `byclass` 62 digits and letters, `bymerge` and `balanced` 47, with letters of one
            shape as one, `letters` 26, `digits` and `mnist` 10.

    Raises:
        DatasetUnavailable: files are missing and can't be downloaded.
        InvalidData: a file is damaged.
    """
    options = [{"split": split, "train": part} for part in (True, False)]
    (train,), test = open_sets(
        source,
        Source("EMNIST", options[:1], options[1]),
        root,
        files=emnist_files(split),
        fetched=[file for kind in EMNIST_KINDS for file in emnist_files(kind)],
    )
    first = 1 if split == "letters" else 0  # there 0 stands for nothing
    upright, upright_test = (
        ArrayDataset(part.data.transpose(1, 2)[:, None].contiguous(), part.targets - first)
        for part in (train, test)
    )
    return _splits(upright, upright_test, tuple(train.classes[first:]))


def pcam(root: Path, source: str) -> Splits:
    """Return PatchCamelyon: uint8 (3, 96, 96), read from its files; the cache holds 8 GB of them.

    B. S. Veeling et al., "Rotation Equivariant CNNs for Digital Pathology", 2018,
    https://arxiv.org/abs/1806.03962. Its validation part is left alone.

    Args:
        root: holds `pcam/`, unpacked; it is downloaded where files are missing.
        source: the dataset's name.

    Raises:
        DatasetUnavailable: files are missing and can't be downloaded.
        ZooError: h5py is not installed.
    """
    (train,), test = open_sets(source, _SOURCES[source], root)
    folder = root / "pcam"
    return Splits(
        train=Patches(train, folder, "train"),
        test=Patches(test, folder, "test"),
        classes=("normal", "tumour"),
        mean=(0.5,),
        std=(0.5,),
    )


def _splits(train: ArrayDataset, test: ArrayDataset | None, classes: tuple[str, ...]) -> Splits:
    mean, std = pixel_statistics(train.samples)
    return Splits(train=train, test=test, classes=classes, mean=mean, std=std)


def _in_memory(found: Any) -> ArrayDataset:
    """Return what a torchvision dataset has read as uint8 (N, C, H, W) and int64 (N,)."""
    if hasattr(found, "data"):
        images = torch.as_tensor(np.asarray(found.data))
        labels = torch.as_tensor(
            np.asarray(getattr(found, "targets", getattr(found, "labels", [])))
        )
    else:  # FER2013: pairs of a tensor and a label
        pairs = vars(found)["_samples"]
        if any(label is None for _, label in pairs):
            raise InvalidData("fer2013: test.csv has no labels; put fer2013.csv there")
        images = torch.stack([image for image, _ in pairs])
        labels = torch.tensor([label for _, label in pairs])
    if labels.ndim == 2:  # QMNIST: the class, then who wrote it
        labels = labels[:, 0]
    if images.ndim == 3:
        images = images[:, None]
    elif images.shape[-1] == 3:
        images = images.permute(0, 3, 1, 2)
    return ArrayDataset(images.contiguous(), labels.long())


def _names(found: Any) -> tuple[str, ...]:
    """Return the names of the classes, without the numbers that MNIST's relatives put before."""
    return tuple(name.partition(" - ")[2] or name for name in map(str, found.classes))
