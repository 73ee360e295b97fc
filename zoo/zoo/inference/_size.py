"""Refusing a card that asks for a far larger model than its file has weights for."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from zoo_registry import Entry

from .._weight_files import header_of
from ..errors import IncompatibleWeights
from ..training import build_empty

_FACTOR = 2
_FREE = 1_000_000
"""How many times the file's values, and how many more, a model may have before it is built: those
that do not quite fit are told by loading, which names what differs."""


def require_size(entry: Entry, options: dict[str, Any], path: Path) -> None:
    """Build a model without memory, and compare the number of its values with the file's.

    A stranger's card may name any width. A model that can't be built without memory is not judged.

    Raises:
        IncompatibleWeights: it is out of all proportion.
    """
    try:
        with torch.device("meta"):
            model = build_empty(entry, **options)
    except Exception:  # noqa: BLE001 - whatever it is, building it in earnest says so
        return
    claimed, held = _values(model), sum(e.elements for e in header_of(path).tensors.values())
    if claimed > _FACTOR * held + _FREE:
        raise IncompatibleWeights(
            f"{path} holds {held:,} values, and its card asks for {entry.name} with {claimed:,}: "
            "it is not this file's card. Get the original, or build the model yourself and use "
            "zoo.load_weights(model, file)"
        )


def _values(model: nn.Module) -> int:
    """Count the values that would be stored, those of a tied tensor once."""
    state = model.state_dict(keep_vars=True).values()
    return sum({id(t): t.numel() for t in state if isinstance(t, Tensor)}.values())
