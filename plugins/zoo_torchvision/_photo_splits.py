"""Splits over image files of one size."""

from typing import Any, Literal

from zoo.data import ImageFiles, image_shape, photo_statistics, probe_images
from zoo_registry import Splits

from ._listing import Pair, names_of, pairs_of

ImageSize = int | tuple[int, int] | None
Channels = Literal[1, 3]


def splits_of(train: list[Any], test: Any, **how: Any) -> Splits:
    """Return splits over the files of torchvision's datasets, parts to train on put together."""
    pairs = [pair for part in train for pair in pairs_of(part)]
    return splits_over(pairs, pairs_of(test), names_of(train[0]), **how)


def splits_over(
    train: list[Pair],
    test: list[Pair],
    classes: tuple[str, ...],
    *,
    size: ImageSize,
    channels: Channels,
    mean: tuple[float, ...],
    std: tuple[float, ...],
) -> Splits:
    """Return splits over the files; without a `size` their own decides."""
    if size is None:
        size = probe_images([file for file, _ in train])[1]
    shape = image_shape(size)
    mean, std = photo_statistics(channels, mean, std)
    parts = [
        ImageFiles([file for file, _ in pairs], [label for _, label in pairs], channels, shape)
        for pairs in (train, test)
    ]
    return Splits(
        train=parts[0],
        test=parts[1] if test else None,
        classes=classes,
        mean=mean,
        std=std,
    )
