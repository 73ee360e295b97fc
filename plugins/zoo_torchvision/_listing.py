"""Which file is of which class, in torchvision's datasets of image files."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from torchvision import datasets

Pair = tuple[Path, int]


def pairs_of(found: Any) -> list[Pair]:
    """Return each file with the number of its class, in the order of their names.

    torchvision's classes hold both, under names that differ.
    """
    return sorted((Path(file), int(label)) for file, label in _pairs(found))


def _pairs(found: Any) -> Iterable[tuple[Any, Any]]:
    held = vars(found)
    for attribute in ("samples", "_samples", "imgs"):
        if attribute in held:
            return list(held[attribute])
    for attribute in ("_image_files", "_images"):
        if attribute in held:
            return zip(held[attribute], held["_labels"], strict=True)
    return _in_folders(found)


def _in_folders(found: Any) -> Iterator[tuple[Path, int]]:
    """Yield those of the datasets that keep the number of each image instead."""
    root = Path(found.root)
    if isinstance(found, datasets.INaturalist):
        for label, name in found.index:
            yield root / found.all_categories[label] / name, label
        return
    many = isinstance(found, datasets.Caltech256)
    objects = root / ("256_ObjectCategories" if many else "101_ObjectCategories")
    for label, number in zip(found.y, found.index, strict=True):
        stem = f"{label + 1:03d}" if many else "image"
        yield objects / found.categories[label] / f"{stem}_{number:04d}.jpg", label


def names_of(found: Any) -> tuple[str, ...]:
    """Return the names of the classes; of those with several names the first that is its own."""
    held = getattr(found, "classes", None) or getattr(found, "categories", None)
    if isinstance(found, datasets.INaturalist):
        held = found.all_categories
    names = [name if isinstance(name, str) else tuple(name) for name in held or ()]
    first = [name if isinstance(name, str) else name[0] for name in names]
    return tuple(
        short if isinstance(name, str) or first.count(short) == 1 else ", ".join(name)
        for short, name in zip(first, names, strict=True)
    )
