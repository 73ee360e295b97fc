"""From a run's name, its folder or a file to a model that is ready to use."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from zoo_registry import Registry, UnknownName

from .._provenance import why_not_offered
from ..card import Card, read_card
from ..errors import IncompatibleWeights
from ..recipe import OBJECT
from ..runs import FoundWeights, find_weights
from ..training import build_empty
from ..weights import load_weights, read_metadata
from ._size import require_size


@dataclass(frozen=True)
class Loaded:
    """A model with its weights, in eval mode on the CPU, and what is known of it."""

    model: nn.Module
    card: Card
    path: Path
    """The weights file."""


def load(source: str | Path | FoundWeights, registry: Registry) -> Loaded:
    """Load a trained model.

    Args:
        source: a run's name, its folder, or a `.safetensors` file that says which model it is
            for, or `hf:USER/REPO[@REVISION]`; or what `find_weights` made of one. What is known to
            be what a run stored, or a hub listed, is not verified again; else the digest in the
            file is computed.
        registry: the installed plugins, one of which offers the model.

    Raises:
        UnknownName: no such run or file, or no plugin offers the model; the text says which
            distribution did.
        IncompatibleWeights: the file does not say which model it is for, or not truly.
        CorruptWeights: a file is damaged.
    """
    found = source if isinstance(source, FoundWeights) else find_weights(source)
    path = found.path
    card = read_card(found.metadata or read_metadata(path), path)
    if card.model.startswith(OBJECT):
        raise IncompatibleWeights(
            f"{path} was trained from a module of your own, {card.model.removeprefix(OBJECT)}; "
            "build it and use zoo.load_weights(model, file)"
        )
    try:
        entry = registry.find("model", card.model)
    except UnknownName as error:
        reason = why_not_offered(path, card.model, card.distribution, card.version, error)
        raise UnknownName(reason) from error
    if found.foreign or not found.verified:
        require_size(entry, card.options, path)
    with torch.random.fork_rng(devices=[]):
        model = build_empty(entry, **card.options)
    load_weights(model, path, verified=found.verified)
    return Loaded(model.eval(), card, path)
