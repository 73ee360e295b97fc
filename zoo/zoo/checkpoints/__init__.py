"""Checkpoints: what resuming needs, in safetensors and JSON, each folder whole or not there."""

from ._folder import (
    FOLDER,
    MODEL,
    Checkpoint,
    checkpoints,
    read_checkpoint,
    remove_checkpoint,
    verify_checkpoint,
    write_checkpoint,
)
from ._saver import Saver
from ._tree import check_tree, join_tree, map_tensors, split_tree

__all__ = [
    "FOLDER",
    "MODEL",
    "Checkpoint",
    "Saver",
    "check_tree",
    "checkpoints",
    "join_tree",
    "map_tensors",
    "read_checkpoint",
    "remove_checkpoint",
    "split_tree",
    "verify_checkpoint",
    "write_checkpoint",
]
