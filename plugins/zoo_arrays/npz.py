"""Tables and images from an `.npz` file."""

from pathlib import Path
from typing import Literal

from zoo import ArrayDataset, as_splits, channels_first, read_arrays
from zoo.data import array_names, pixel_statistics
from zoo_registry import InvalidData, Splits

# N = samples in all, C = channels, H/W = rows/columns


def npz(
    root: Path,  # noqa: ARG001 - every dataset is handed one; this one is its own path
    path: str,
    task: Literal["classification", "multilabel", "regression"] | None = None,
    test_fraction: float = 0.2,
    split_seed: int = 0,
) -> Splits:
    """Read `x_train y_train x_test y_test`, or `x y`, of which `test_fraction` is held out.

    Args:
        root: unused.
        path: of the file.
        task: None: whole labels (N,) are classes, whole labels (N, K) multi-hot rows, others
            measurements.
        test_fraction: share of the samples held out, where the file has no test arrays.
        split_seed: draws the held-out samples; the same for runs that are to be compared.

    Returns:
        Splits over the arrays; of `x` and `y`, over a copy of each part. uint8 images
        (N, H, W) or (N, H, W, C) become (N, C, H, W), with their own mean and standard deviation.

    Raises:
        InvalidData: missing arrays, objects in them, different lengths.
    """
    file = Path(path)
    names = array_names(file)
    if {"x_train", "y_train"} <= set(names):
        train = _read(file, "x_train", "y_train")
        splits = Splits(train=train, test=_read_test(file, names))
    elif {"x", "y"} <= set(names):
        splits = as_splits(_read(file, "x", "y"), test_fraction=test_fraction, seed=split_seed)
    else:
        raise InvalidData(
            f"{path} has the arrays {', '.join(names) or 'none'}; it needs x_train, y_train, "
            "x_test and y_test, or x and y"
        )
    mean, std = pixel_statistics(splits.train.samples)
    return Splits(train=splits.train, test=splits.test, task=task, mean=mean, std=std)


def _read(file: Path, samples: str, labels: str) -> ArrayDataset:
    arrays = read_arrays(file, [samples, labels])
    return ArrayDataset(channels_first(arrays[samples]), arrays[labels])


def _read_test(file: Path, names: list[str]) -> ArrayDataset | None:
    """Read the test arrays, of which a file may have both or none."""
    found = [name for name in ("x_test", "y_test") if name in names]
    if len(found) == 1:
        other = "y_test" if found == ["x_test"] else "x_test"
        raise InvalidData(f"{file} has {found[0]} but no {other}; add it, or leave both out")
    return _read(file, "x_test", "y_test") if found else None
