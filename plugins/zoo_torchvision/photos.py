"""torchvision's datasets of image files: brought to one size, and cached as image folders are."""

from pathlib import Path

import torch

from zoo_registry import Splits

from ._hold_out import hold_out
from ._listing import names_of, pairs_of
from ._photo_splits import Channels, ImageSize, splits_of, splits_over
from ._sets import Source, open_sets

_TRAIN_AND_VAL = ({"split": "train"}, {"split": "val"})
_SOURCES = {
    "caltech101": Source("Caltech101", ({},), None),
    "caltech256": Source("Caltech256", ({},), None),
    "country211": Source("Country211", ({"split": "train"}, {"split": "valid"})),
    "eurosat": Source("EuroSAT", ({},), None),
    "flowers102": Source("Flowers102", _TRAIN_AND_VAL, needs="scipy"),
    "food101": Source("Food101"),
    "gtsrb": Source("GTSRB"),
    "imagenet": Source("ImageNet", test={"split": "val"}, folder="imagenet", needs="scipy"),
    "oxford-iiit-pet": Source("OxfordIIITPet", ({"split": "trainval"},)),
    "places365": Source(
        "Places365",
        ({"split": "train-standard", "small": True},),
        {"split": "val", "small": True},
        folder="places365",
    ),
    "rendered-sst2": Source("RenderedSST2", _TRAIN_AND_VAL),
    "stanford-cars": Source("StanfordCars", needs="scipy"),
    "sun397": Source("SUN397", ({},), None),
}


def photos(
    root: Path,
    source: str,
    image_size: ImageSize = None,
    channels: Channels = 3,
    mean: tuple[float, ...] = (),
    std: tuple[float, ...] = (),
) -> Splits:
    """Return a dataset of image files. Where it has a validation part, that is trained on too.

    Args:
        root: holds its files in torchvision's layout; they are downloaded where some are missing.
        source: the dataset's name.
        image_size: rows and columns, one number for squares; None: the images' own size where
            they agree, else the median shorter side, at most 224.
        channels: 1 for grey, 3 for RGB.
        mean: by which images are normalised, of values scaled to 0..1; none: ImageNet's for RGB.
        std: likewise.

    Returns:
        Splits of uint8 images (C, H, W), decoded when they are asked for.

    Raises:
        DatasetUnavailable: files are missing and can't be downloaded.
        InvalidData: torchvision can't read what is there.
        ZooError: a package is missing that torchvision reads it with.
    """
    found = open_sets(source, _SOURCES[source], root)
    return splits_of(*found, size=image_size, channels=channels, mean=mean, std=std)


def held_out(
    root: Path,
    source: str,
    *,
    test_fraction: float = 0.2,
    split_seed: int = 0,
    image_size: ImageSize = None,
    channels: Channels = 3,
    mean: tuple[float, ...] = (),
    std: tuple[float, ...] = (),
) -> Splits:
    """Return a dataset of image files without a test part: a share of each class is held out.

    Args:
        root: as `photos`.
        source: as `photos`.
        test_fraction: share of each class held out; 0 for none.
        split_seed: draws the held-out images; the same for runs that are to be compared.
        image_size: as `photos`.
        channels: as `photos`.
        mean: as `photos`.
        std: as `photos`.

    Raises:
        ZooError: as `photos`.
    """
    (whole,), _ = open_sets(source, _SOURCES[source], root)
    pairs = pairs_of(whole)
    labels = torch.tensor([label for _, label in pairs])
    kept, out = (
        [pairs[index] for index in part.tolist()]
        for part in hold_out(labels, test_fraction, split_seed)
    )
    return splits_over(
        kept, out, names_of(whole), size=image_size, channels=channels, mean=mean, std=std
    )
