"""zoo: discover, train, keep and reuse PyTorch models."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .data import ArrayDataset

# Where each public name lives. Resolved on first use: `import zoo` must not cost torch.
_HOMES = {
    "ArrayDataset": "data",
}

__all__ = ["ArrayDataset"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
