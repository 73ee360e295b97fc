"""Image folders: one sub-folder per class."""

import warnings
from pathlib import Path
from typing import Literal

from zoo.data import (
    ImageFiles,
    draw_held_out,
    image_shape,
    photo_statistics,
    probe_images,
    require_share,
    unreadable_images,
)
from zoo_registry import InvalidData, Splits

from ._layout import Files, read_layout

_SHOWN = 3
"""Bad files named in the warning."""
_ADVICE = (
    "--skip-bad-samples leaves such files out of a training, and "
    "--set dataset.skip_bad_samples=true out of any reading"
)


def folder(  # noqa: PLR0913 - as many as people set
    root: Path,  # noqa: ARG001 - the folder of all datasets; this one is its own path
    path: str,
    *,
    image_size: int | tuple[int, int] | None = None,
    channels: Literal[1, 3] | None = None,
    test_fraction: float = 0.2,
    split_seed: int = 0,
    skip_bad_samples: bool = False,
    mean: tuple[float, ...] = (),
    std: tuple[float, ...] = (),
) -> Splits:
    """Read image files, of `train/<class>/…` and `test/<class>/…`, or of `<class>/…`.

    `val`, `valid` and `validation` are taken for `test`. Where there is none, a share of each
    class is held out. Files are found at any depth, hidden ones left out. An image is resized
    until it covers the size, and its centre is cut out.

    Args:
        root: unused.
        path: of the folder.
        image_size: rows and columns, one number for squares; None: the images' own size where
            they agree, else the median shorter side, at most 224.
        channels: 1 for grey, 3 for RGB; None: grey where all images are.
        test_fraction: share of each class held out, where there is no test part; 0 for none.
        split_seed: draws the held-out images; the same for runs that are to be compared.
        skip_bad_samples: read all files once before, and leave out those that can't be.
        mean: by which images are normalised, of values scaled to 0..1: one number for each
            channel or for all; of three, grey images get the average; none: ImageNet's for RGB,
            0.5 for grey.
        std: likewise.

    Returns:
        Splits of uint8 images (C, H, W), decoded when they are asked for.

    Raises:
        InvalidData: no folder, no images, one class, a class without images, or test classes
            without training images.
        BadSample: raised by the splits for a file that can't be read.
    """
    require_share(test_fraction)
    train, test = read_layout(Path(path))
    classes = tuple(train)
    if skip_bad_samples:
        train, test = _without_bad(Path(path), train, test)
    if test is None and test_fraction:
        train, test = hold_out(train, test_fraction, split_seed)
    found, own_size = probe_images([file for files in train.values() for file in files])
    size = image_shape(own_size if image_size is None else image_size)
    channels = channels or (1 if found == 1 else 3)
    mean, std = photo_statistics(channels, mean, std)
    return Splits(
        train=_images(train, classes, channels, size),
        test=None if test is None else _images(test, classes, channels, size),
        classes=classes,
        mean=mean,
        std=std,
    )


def hold_out(files: Files, test_fraction: float, seed: int) -> tuple[Files, Files]:
    """Split each class in two: the same share of each, at least one image, drawn by `seed`.

    Raises:
        InvalidData: a class has too few images to leave any for training.
    """
    train, test = {}, {}
    for name, members in files.items():
        drawn = draw_held_out(len(members), test_fraction, seed)
        if drawn is None:
            raise InvalidData(
                f"class {name} has {len(members)} images, too few to hold out {test_fraction:g} "
                "of them; add some, or set dataset.test_fraction=0 to hold out none"
            )
        out = set(drawn)
        train[name] = [file for index, file in enumerate(members) if index not in out]
        test[name] = [file for index, file in enumerate(members) if index in out]
    return train, test


def _without_bad(path: Path, train: Files, test: Files | None) -> tuple[Files, Files | None]:
    """Leave out the files that can't be read, and say so."""
    parts = [train] if test is None else [train, test]
    bad = unreadable_images(file for part in parts for files in part.values() for file in files)
    if not bad:
        return train, test
    names = ", ".join(str(file.relative_to(path)) for file in bad[:_SHOWN])
    more = f" and {len(bad) - _SHOWN} more" if len(bad) > _SHOWN else ""
    noun = "file" if len(bad) == 1 else "files"
    warnings.warn(f"left out {len(bad)} {noun} that can't be read: {names}{more}", stacklevel=3)
    gone = set(bad)
    parts = [
        {name: [f for f in files if f not in gone] for name, files in part.items()}
        for part in parts
    ]
    for name, files in parts[0].items():
        if not files:
            raise InvalidData(f"none of the training images of {name} can be read")
    return parts[0], None if test is None else parts[1]


def _images(
    files: Files, classes: tuple[str, ...], channels: int, size: tuple[int, int]
) -> ImageFiles:
    pairs = [(file, classes.index(name)) for name, members in files.items() for file in members]
    return ImageFiles([p[0] for p in pairs], [p[1] for p in pairs], channels, size, _ADVICE)
