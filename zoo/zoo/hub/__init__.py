"""Hubs: trained models go there and come from there, and nothing that is trained waits for one."""

from typing import TYPE_CHECKING

from .._door import door

if TYPE_CHECKING:
    from ._client import Hub
    from ._deadline import TIMEOUT, Deadline
    from ._order import Order, Pushed
    from ._place import DEFAULT, SIGN, Place, parse_place, place_to_push
    from ._progress import Progress, Quiet, screen_progress
    from ._pull import Pulled, pull_model, use_model
    from ._push import preview_push, push_run, why_not_ready
    from ._store import pulled_places

# Where each public name lives. Resolved on first use: those who share nothing pay nothing.
_HOMES = {
    "DEFAULT": "_place",
    "SIGN": "_place",
    "TIMEOUT": "_deadline",
    "Deadline": "_deadline",
    "Hub": "_client",
    "Order": "_order",
    "Place": "_place",
    "Progress": "_progress",
    "Pulled": "_pull",
    "Pushed": "_order",
    "Quiet": "_progress",
    "parse_place": "_place",
    "place_to_push": "_place",
    "preview_push": "_push",
    "pull_model": "_pull",
    "pulled_places": "_store",
    "push_run": "_push",
    "screen_progress": "_progress",
    "use_model": "_pull",
    "why_not_ready": "_push",
}

__all__ = [
    "DEFAULT",
    "SIGN",
    "TIMEOUT",
    "Deadline",
    "Hub",
    "Order",
    "Place",
    "Progress",
    "Pulled",
    "Pushed",
    "Quiet",
    "parse_place",
    "place_to_push",
    "preview_push",
    "pull_model",
    "pulled_places",
    "push_run",
    "screen_progress",
    "use_model",
    "why_not_ready",
]


__getattr__ = door(__name__, _HOMES)


def __dir__() -> list[str]:
    return __all__
