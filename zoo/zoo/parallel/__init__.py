"""Devices and strategies: the loop does not know how many devices there are."""

from ._device import choose_device
from ._strategy import STRATEGIES, DataParallel, SingleDevice, Strategy, make_strategy

__all__ = [
    "STRATEGIES",
    "DataParallel",
    "SingleDevice",
    "Strategy",
    "choose_device",
    "make_strategy",
]
