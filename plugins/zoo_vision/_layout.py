"""Which image files a folder holds, and of which class each is."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from zoo_registry import InvalidData

EXTENSIONS = frozenset(
    [
        ".bmp",
        ".gif",
        ".jfif",
        ".jpeg",
        ".jpg",
        ".pbm",
        ".pgm",
        ".png",
        ".pnm",
        ".ppm",
        ".tif",
        ".tiff",
        ".webp",
    ]
)
"""What an image file's name ends in, in any case."""
_TEST_NAMES = ("test", "val", "valid", "validation")

Files = Mapping[str, Sequence[Path]]
"""The files of each class, classes and files in order."""


def read_layout(folder: Path) -> tuple[Files, Files | None]:
    """Return the training files, and the test files where the folder has a test part.

    `folder` holds `train/<class>/…`, maybe beside `test/`, `val/`, `valid/` or
    `validation/<class>/…`, of which the first is taken; or `<class>/…` alone.

    Raises:
        InvalidData: there is no such folder, or its contents can't be trained on.
    """
    if not folder.is_dir():
        raise InvalidData(
            f"{folder} is a file; folder:PATH takes a folder with one sub-folder per class"
            if folder.exists()
            else f"there is no folder {folder}"
        )
    try:
        if not _sub_folders(folder / "train"):
            return _training_files(folder), None
        train = _training_files(folder / "train")
        part = next((p for name in _TEST_NAMES if _sub_folders(p := folder / name)), None)
        return train, None if part is None else _test_files(part, known=train)
    except OSError as error:
        raise InvalidData(f"{error.filename} can't be read ({error.strerror})") from error


def _training_files(folder: Path) -> Files:
    """Return the files of two classes or more."""
    classes = _sub_folders(folder)
    if not classes:
        images = any(_is_image(path) for path in folder.iterdir())
        raise InvalidData(
            f"{folder} holds images but no sub-folders; move those of each class into one"
            if images
            else f"{folder} holds no images; it needs one sub-folder of images per class"
        )
    files = {path.name: _image_files(path) for path in classes}
    empty = [name for name, found in files.items() if not found]
    if empty:
        raise InvalidData(
            f"{folder} has no images of {_listed(empty)}; remove the empty sub-folders, or fill "
            f"them ({' '.join(sorted(EXTENSIONS))})"
        )
    if len(files) < 2:
        raise InvalidData(
            f"{folder} holds a single class, {classes[0].name}; a classifier needs two or more"
        )
    return files


def _test_files(folder: Path, known: Files) -> Files:
    """Return the files of some or all of the `known` classes."""
    files = {path.name: _image_files(path) for path in _sub_folders(folder)}
    strange = [name for name in files if name not in known]
    if strange:
        raise InvalidData(
            f"{folder} has classes that the training images lack: {_listed(strange)}; those are "
            f"{_listed(list(known))}"
        )
    if not any(files.values()):
        raise InvalidData(f"{folder} holds no images; fill it, or remove it to hold some out")
    return files


def _sub_folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))


def _image_files(folder: Path) -> list[Path]:
    """Return the image files at any depth, in order; hidden files and folders are left out."""
    found = []
    # Links to folders are followed: classes are often put together of them.
    for base, folders, names in os.walk(folder, followlinks=True, onerror=_raise):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [path for name in names if _is_image(path := Path(base, name))]
    return sorted(found)


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in EXTENSIONS and not path.name.startswith(".") and path.is_file()


def _raise(error: OSError) -> None:
    raise error


def _listed(names: Sequence[str], shown: int = 5) -> str:
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
