"""The data path: what a training is fed, and in which order."""

from ._arrays import ArrayDataset

__all__ = ["ArrayDataset"]
