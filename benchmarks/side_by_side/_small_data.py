"""Made-up data of the real layouts, for trials that take seconds."""

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

_CLASSES = 10


@contextmanager
def mnist_root(parser: argparse.ArgumentParser, options: argparse.Namespace) -> Iterator[Path]:
    """Give a folder with `MNIST/raw` under it: `--data`, or a small one for a quick trial.

    Without either, the program ends with its usage.
    """
    if options.quick:
        with tempfile.TemporaryDirectory(prefix="zoo-benchmark-") as folder:
            write_mnist(Path(folder), num_train=640, num_test=160)
            yield Path(folder)
    elif options.data is None:
        parser.error("--data DIR is needed, a folder with MNIST/raw; --quick makes a trial")
    else:
        yield options.data.resolve()


def write_mnist(root: Path, *, num_train: int, num_test: int) -> None:
    """Write MNIST's four files with easy images: a bright square, whose place is the class."""
    folder = root / "MNIST" / "raw"
    folder.mkdir(parents=True)
    for name, count in (("train", num_train), ("t10k", num_test)):
        rng = np.random.default_rng(count)
        labels = rng.integers(0, _CLASSES, count, dtype=np.uint8)
        images = rng.integers(0, 60, (count, 28, 28), dtype=np.uint8)
        for image, label in zip(images, labels, strict=True):
            row, column = divmod(int(label), 4)
            image[8 * row : 8 * row + 6, 7 * column : 7 * column + 6] = 250
        _write_idx(folder / f"{name}-images-idx3-ubyte", images)
        _write_idx(folder / f"{name}-labels-idx1-ubyte", labels)


def _write_idx(file: Path, values: np.ndarray) -> None:
    """Write uint8 `values` in the format of MNIST's authors: type, dimensions, sizes, bytes."""
    header = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, dtype=">i4").tobytes()
    file.write_bytes(header + values.tobytes())


def write_images(root: Path, *, num_train: int, num_test: int) -> None:
    """Write JPEG files `train/<class>/…` and `test/<class>/…`, so many of each class."""
    rng = np.random.default_rng(0)
    for split, count in (("train", num_train), ("test", num_test)):
        for label in range(_CLASSES):
            folder = root / split / f"class{label}"
            folder.mkdir(parents=True)
            for number in range(count):
                pixels = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{number:04}.jpg")
