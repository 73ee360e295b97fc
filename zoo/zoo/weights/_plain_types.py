"""Types beside tensors that checkpoints of others hold, and that are harmless to read.

timm and torchvision pickle the `argparse.Namespace` of their scripts, many a metric is a number of
numpy's. None is wanted: what convert takes of a checkpoint is its tensors. So none is built either,
but something inert in its place, whatever memory or code the real one would lead to.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


class _Nothing:
    """Stands in for whatever is built of whatever."""

    def __init__(self, *_arguments: object) -> None:
        pass

    def __new__(cls, *_arguments: object) -> "_Nothing":
        return super().__new__(cls)

    def __setstate__(self, _state: object) -> None:
        pass


def _table(*_factory: object) -> dict[Any, Any]:
    """Stand in for `defaultdict`, which torch's unpickler does not fill."""
    return {}


def _list(*_arguments: object) -> list[Any]:
    """Stand in for `deque`, likewise."""
    return []


_NUMPY = ("numpy.core.multiarray", "numpy._core.multiarray")
"""Before and since numpy 2."""
_PATHS = ("pathlib", "pathlib._local")
"""Before Python 3.13, and in it."""
_NAMES = (
    "argparse.Namespace",
    *(f"builtins.{name}" for name in ("dict", "float", "int", "list")),  # a defaultdict's factory
    *("numpy.dtype", "numpy.ndarray"),
    *(f"{module}.{name}" for module in _NUMPY for name in ("scalar", "_reconstruct")),
    *(
        f"{module}.{pure}{system}Path"
        for module in _PATHS
        for pure in ("", "Pure")
        for system in ("Posix", "Windows")
    ),
)
_TYPES: list[Any] = [
    (_table, "collections.defaultdict"),
    (_list, "collections.deque"),
    *((_Nothing, name) for name in _NAMES),
]


@contextmanager
def plain_types() -> Iterator[None]:
    """Let torch's restricted unpickler read over them within the block."""
    # On leaving, torch would also forget those that the user has allowed.
    known = set(torch.serialization.get_safe_globals())
    with torch.serialization.safe_globals([kind for kind in _TYPES if kind not in known]):
        yield
