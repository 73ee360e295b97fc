"""zoo, with metrics and progress on, as `zoo.train` is used in a script."""

import statistics
from typing import Any

import zoo
from zoo_registry import Splits

from ._net import BATCH_SIZE, mlp
from .bare import made_up


def random_samples(num_samples: int, epochs: int, *, fused: bool) -> dict[str, float]:
    """Train on made-up samples in memory, without a test split."""
    splits = Splits(train=zoo.ArrayDataset(*made_up(num_samples)))
    return _train(splits, epochs, fused=fused)


def mnist(root: str, epochs: int) -> dict[str, float]:
    """Train on MNIST from its files, and measure on its test split after each epoch."""
    return _train("mnist", epochs, fused=True, data_dir=root)


def _train(
    dataset: Any, epochs: int, *, fused: bool, data_dir: str | None = None
) -> dict[str, float]:
    """Return the median speed of training in all epochs but the first, in samples/s."""
    run = zoo.train(
        mlp(),
        dataset,
        optimizer="adam",
        lr=1e-3,
        batch_size=BATCH_SIZE,
        epochs=epochs,
        data_dir=data_dir,
        # As the other sides have it, whatever this machine might do faster.
        set={"optimizer.fused": fused, "precision": "fp32"},
    )
    return {"samples/s": statistics.median(row["samples_per_second"] for row in run.times[1:])}
