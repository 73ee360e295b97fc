"""The data path: what a training is fed, and in which order."""

from .._cores import usable_cores
from ._arrays import ArrayDataset, as_tensor
from ._batches import Augmentation, Batch, Batches
from ._cache import cached, if_cached, in_memory
from ._facts import DataFacts, describe
from ._fetch import fetch
from ._hold_out import draw_held_out, require_share
from ._image_files import ImageFiles, image_shape, probe_images, unreadable_images
from ._images import read_image
from ._input import InputSpec, Prepare, match_dtype
from ._items import length, read_item
from ._labels import class_counts
from ._npz import array_names, channels_first, read_arrays
from ._order import epoch_order, mix
from ._resize import Resize
from ._seeding import generators_kept, seed_others
from ._splits import as_splits
from ._statistics import photo_statistics, pixel_statistics
from ._workers import default_workers

__all__ = [
    "ArrayDataset",
    "Augmentation",
    "Batch",
    "Batches",
    "DataFacts",
    "ImageFiles",
    "InputSpec",
    "Prepare",
    "Resize",
    "array_names",
    "as_splits",
    "as_tensor",
    "cached",
    "channels_first",
    "class_counts",
    "default_workers",
    "describe",
    "draw_held_out",
    "epoch_order",
    "fetch",
    "generators_kept",
    "if_cached",
    "image_shape",
    "in_memory",
    "length",
    "match_dtype",
    "mix",
    "photo_statistics",
    "pixel_statistics",
    "probe_images",
    "read_arrays",
    "read_image",
    "read_item",
    "require_share",
    "seed_others",
    "unreadable_images",
    "usable_cores",
]
