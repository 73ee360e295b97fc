"""From a run's name, its folder or a file to a model that is ready to use."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from zoo_registry import Registry, UnknownName, UsageError

from ..card import Card, read_card
from ..errors import IncompatibleWeights
from ..recipe import OBJECT
from ..runs import find_run, verify_files
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
        source: a run's name, its folder, or a `.safetensors` file that a training wrote.
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
        raise UnknownName(
            f"{path} is for {card.model} of {card.distribution} {card.version}, which is not "
            f"installed: pip install {card.distribution}=={card.version}"
        ) from error
    with torch.random.fork_rng(devices=[]):
        model = build_module(entry, **card.options)
    load_weights(model, path)
    return Loaded(model.eval(), card, path)


def weights_file(source: str | Path) -> Path:
    """Find the weights file that `source` means; a run's files are checked against its digests.

    Raises:
        UsageError: there is no such run and no such file.
        CorruptWeights: a run's file differs from what the run recorded.
    """
    path = Path(source).expanduser()
    if path.is_file():
        if path.suffix != ".safetensors":
            raise UsageError(
                f"{path} does not say which model it is for; give the .safetensors file or the "
                "run, or build the model and use zoo.load_weights(model, file)"
            )
        return path
    if path.suffix in (".safetensors", ".pth", ".pt"):
        raise UsageError(f"there is no file {path}")
    run = find_run(str(source))
    if not run.weights.exists():
        raise UsageError(f"the run {run.name} is {run.state} and has stored no weights")
    if run.state in ("done", "stopped", "failed"):
        # While a run goes on, a newer file may be a moment ahead of its record.
        verify_files(run)
    return run.weights
