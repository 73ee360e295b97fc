"""Opening torchvision's dataset classes: files are looked for, downloaded, and read by them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from torchvision import datasets

from zoo.data import fetch
from zoo_registry import InvalidData, ZooError

from ._catalogue import FILES, URLS

_DOWNLOADS = {"download": True}
Options = Mapping[str, Any]


@dataclass(frozen=True)
class Source:
    """A class of `torchvision.datasets`, and the options that make its splits."""

    kind: str
    train: Sequence[Options] = ({"split": "train"},)
    """Of the parts that are trained on, which are put together."""
    test: Options | None = field(default_factory=lambda: {"split": "test"})
    """None: there is no such part, so some of the training part is held out."""
    folder: str = ""
    """Below the root of all datasets, where the class itself would use the root."""
    needs: str = ""
    """A package that the class imports when it reads."""


def open_sets(
    name: str,
    source: Source,
    root: Path,
    *,
    files: Sequence[str] = (),
    urls: Sequence[str] = (),
    fetched: Sequence[str] = (),
) -> tuple[list[Any], Any]:
    """Return the datasets that are trained on, and the one to test on, None where there is none.

    Args:
        name: of the dataset.
        source: how torchvision offers it.
        root: the folder of all datasets, in torchvision's layout.
        files: paths below it that must be there; none: those of the spec.
        urls: asked before a download whether there is a network; none: those of the spec.
        fetched: what a download brings, where that is more than `files`.

    Raises:
        DatasetUnavailable: files are missing and can't be downloaded.
        InvalidData: torchvision can't read them.
        ZooError: a package is missing that torchvision reads them with.
    """
    if source.needs and find_spec(source.needs) is None:
        raise ZooError(f"torchvision reads {name} with {source.needs}: pip install {source.needs}")
    files = files or FILES[name]
    if not all((root / file).exists() for file in files):
        fetch(
            name,
            root,
            urls=urls or URLS[name],
            files=fetched or files,
            download=lambda folder: _open(source, folder, _DOWNLOADS),
        )
    try:
        return _open(source, root, {})
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        lines = str(error).splitlines() or [type(error).__name__]
        raise InvalidData(
            f"{name}: torchvision can't read what is in {root} ({lines[0]}). Delete "
            f"{', '.join(files)} there to have it downloaded again"
        ) from error


def _open(source: Source, root: Path, more: Options) -> tuple[list[Any], Any]:
    kind = getattr(datasets, source.kind)
    folder = root / source.folder
    train = [kind(folder, **options, **more) for options in source.train]
    return train, None if source.test is None else kind(folder, **source.test, **more)
