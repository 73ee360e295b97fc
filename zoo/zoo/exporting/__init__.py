"""Trained models for other runtimes: each file is loaded back by its own, and compared."""

from typing import TYPE_CHECKING

from .._door import door

if TYPE_CHECKING:
    from ._export import Exported, export_model
    from ._order import FORMATS, Order, make_order

# Where each public name lives. Resolved on first use: what was mistyped is answered without torch.
_HOMES = {
    "FORMATS": "_order",
    "Exported": "_export",
    "Order": "_order",
    "export_model": "_export",
    "make_order": "_order",
}

__all__ = ["FORMATS", "Exported", "Order", "export_model", "make_order"]


__getattr__ = door(__name__, _HOMES)


def __dir__() -> list[str]:
    return __all__
