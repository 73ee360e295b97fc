"""From a run's name, its folder or a file to a model that is ready to use."""

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch
from torch import nn

from zoo_registry import Registry, UnknownName

from ..card import Card, read_card
from ..errors import IncompatibleWeights
from ..recipe import OBJECT
from ..runs import weights_file
from ..training import build_module
from ..weights import load_weights, read_metadata


@dataclass(frozen=True)
class Loaded:
    """A model with its weights, in eval mode on the CPU, and what is known of it."""

    model: nn.Module
    card: Card
    path: Path
    """The weights file."""


def load(source: str | Path, registry: Registry) -> Loaded:
    """Load a trained model.

    Args:
        source: a run's name, its folder, or a `.safetensors` file that a training wrote; what
            `weights_file` returned is not checked again.
        registry: the installed plugins, one of which offers the model.

    Raises:
        UnknownName: no such run or file, or no plugin offers the model; the text says which
            distribution did.
        IncompatibleWeights: the file does not say which model it is for.
        CorruptWeights: a file is damaged.
    """
    path = weights_file(source)
    card = read_card(read_metadata(path), path)
    if card.model.startswith(OBJECT):
        raise IncompatibleWeights(
            f"{path} was trained from a module of your own, {card.model.removeprefix(OBJECT)}; "
            "build it and use zoo.load_weights(model, file)"
        )
    try:
        entry = registry.find("model", card.model)
    except UnknownName as error:
        raise UnknownName(_not_offered(path, card, error)) from error
    with torch.random.fork_rng(devices=[]):
        model = build_module(entry, **card.options)
    load_weights(model, path)
    return Loaded(model.eval(), card, path)


def _not_offered(path: Path, card: Card, error: UnknownName) -> str:
    """Say why no plugin offers the model: not installed, not selected, broken, another version."""
    wanted = f"{card.distribution} {card.version}"
    remedy = f"pip install {card.distribution}=={card.version}"
    try:
        installed = version(card.distribution)
    except (PackageNotFoundError, ValueError):  # ValueError: an empty name
        return f"{path} is for {card.model} of {wanted}, which is not installed: {remedy}"
    other = "" if installed == card.version else f" Installed is {installed}: {remedy}"
    # The error's own text names the plugins that are broken or not selected.
    return f"{path} is for {card.model} of {wanted}; {error}{other}"
