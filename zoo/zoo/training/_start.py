"""Giving a model that was just built the weights that its recipe starts from."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from torch import nn

from ..checkpoints import checkpoints
from ..errors import CorruptWeights
from ..recipe import Recipe, find_start
from ..runs import Run
from ..weights import load_weights


def start(
    model: nn.Module, recipe: Recipe, resumed: Run | None, note: Callable[[str], None]
) -> None:
    """Load what the recipe names, if it names any; a run with checkpoints goes on from those.

    Args:
        model: as it was built; on several ranks, each rank's own.
        recipe: whose `weights` they are.
        resumed: the run that goes on, if one does.
        note: told what was loaded, and which head was not.

    Raises:
        UsageError: there is no such run or file any more.
        CorruptWeights: they are other weights than those that the recipe means, or damaged.
        IncompatibleWeights: they don't fit the model.
    """
    if not recipe.weights or _has_checkpoints(resumed):
        return
    found = find_start(recipe.weights)
    _check_digest(found.path, recipe)
    note(
        str(load_weights(model, found.path, reset_head=recipe.reset_head, verified=found.verified))
    )


def starts_elsewhere(recipe: Recipe, resumed: Run | None) -> bool:
    """Tell whether weights will be loaded into the model: the recipe's, or a checkpoint's."""
    return bool(recipe.weights) or _has_checkpoints(resumed)


def _has_checkpoints(resumed: Run | None) -> bool:
    return resumed is not None and bool(checkpoints(resumed.path))


def _check_digest(file: Path, recipe: Recipe) -> None:
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if digest != recipe.weights_sha256:
        raise CorruptWeights(
            f"{file} is not what this recipe starts from: its sha256 is {digest[:12]}…, the "
            f"recipe has {recipe.weights_sha256[:12]}…. Get that file again, or train with what "
            f"is there now: zoo train recipe.toml --weights {recipe.weights}"
        )
