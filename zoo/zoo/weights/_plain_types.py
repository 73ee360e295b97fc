"""Types beside tensors that checkpoints of others hold, and that are harmless to read.

timm and torchvision pickle the `argparse.Namespace` of their scripts, many a metric is a number of
numpy's. Building one of these runs nothing but their own constructors. None is given back: what
convert wants of a checkpoint is its tensors.
"""

import argparse
import pathlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

_SCALAR = np.float64(0).__reduce__()[0]
_ARRAY = np.zeros(0).__reduce__()[0]
_NUMPY_MODULES = ("numpy.core.multiarray", "numpy._core.multiarray")
"""Before and since numpy 2."""
_PATH_MODULES = ("pathlib", "pathlib._local")
"""Before Python 3.13, and in it."""


def _table(*_factory: object) -> dict[Any, Any]:
    """Stand in for `defaultdict`, which torch's unpickler does not fill."""
    return {}


def _list(*_arguments: object) -> list[Any]:
    """Stand in for `deque`, likewise."""
    return []


_TYPES: list[Any] = [
    argparse.Namespace,
    (_table, "collections.defaultdict"),
    (_list, "collections.deque"),
    *(dict, float, int, list),  # what a defaultdict makes its values with
    np.dtype,
    np.ndarray,
    *(kind for kind in vars(np.dtypes).values() if isinstance(kind, type)),
    *((_SCALAR, f"{module}.scalar") for module in _NUMPY_MODULES),
    *((_ARRAY, f"{module}._reconstruct") for module in _NUMPY_MODULES),
    # Of another system's kind there can be no path here; the pure ones are the same texts.
    *((pathlib.PurePosixPath, f"{module}.PosixPath") for module in _PATH_MODULES),
    *((pathlib.PureWindowsPath, f"{module}.WindowsPath") for module in _PATH_MODULES),
    *((pathlib.PurePosixPath, f"{module}.PurePosixPath") for module in _PATH_MODULES),
    *((pathlib.PureWindowsPath, f"{module}.PureWindowsPath") for module in _PATH_MODULES),
]


@contextmanager
def plain_types() -> Iterator[None]:
    """Let torch's restricted unpickler build them within the block."""
    # On leaving, torch would also forget those that the user has allowed.
    known = set(torch.serialization.get_safe_globals())
    with torch.serialization.safe_globals([kind for kind in _TYPES if kind not in known]):
        yield
