"""Data that no number of ranks can share evenly."""

import numpy as np

import zoo
import zoo_registry


def data(count=35):
    """A ragged number of samples: the last batch leaves some rank with less, or with none."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, count)
    samples = (rng.normal(size=(count, 3)) + 2 * np.eye(3)[labels]).astype(np.float32)
    test = zoo.ArrayDataset(samples[:11], labels[:11])
    return zoo_registry.Splits(train=zoo.ArrayDataset(samples, labels), test=test)
