"""The data path: what a training is fed, and in which order."""

from ._arrays import ArrayDataset, as_tensor
from ._batches import Batches
from ._facts import DataFacts, describe
from ._images import read_image
from ._input import InputSpec, Prepare
from ._items import default_workers, usable_cores
from ._npz import channels_first, read_arrays
from ._order import epoch_order, mix
from ._splits import as_splits

__all__ = [
    "ArrayDataset",
    "Batches",
    "DataFacts",
    "InputSpec",
    "Prepare",
    "as_splits",
    "as_tensor",
    "channels_first",
    "default_workers",
    "describe",
    "epoch_order",
    "mix",
    "read_arrays",
    "read_image",
    "usable_cores",
]
