"""Devices, strategies and ranks: the loop does not know how many devices there are."""

from ._agreement import Agreement
from ._data_parallel import DataParallel
from ._device import choose_device
from ._failures import RankFailed
from ._launch import launch
from ._make import STRATEGIES, make_strategy, resolve_parallel
from ._strategy import SingleDevice, Strategy

__all__ = [
    "STRATEGIES",
    "Agreement",
    "DataParallel",
    "RankFailed",
    "SingleDevice",
    "Strategy",
    "choose_device",
    "launch",
    "make_strategy",
    "resolve_parallel",
]
