"""Augmentation: a training's samples changed at random, a whole batch at a time."""

from ._augment import Augment
from ._mix import soft

__all__ = ["Augment", "soft"]
