"""A dry run: everything but the training."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import msgspec
import torch

from zoo_registry import Registry

from ..recipe import Recipe
from ._checks import activation_bytes, check_ranks
from ._prepare import Request, prepare
from ._train import surroundings

_COPIES = 1 + 1 + 2
"""Of the parameters in memory, at most: themselves, gradients, and Adam's two moments."""


def estimate(
    request: Request,
    registry: Registry,
    note: Callable[[str], None],
    shared: tuple[str, int] | None = None,
) -> tuple[Recipe, dict[str, Any]]:
    """Prepare a training as `train` would, and train nothing.

    Args:
        request: what was asked.
        registry: the installed plugins.
        note: told what a user should know.
        shared: the way of running, `ddp` or `fsdp`, and the number of ranks that would train;
            they are not started. None: this process would train, alone or as one of many.

    Returns:
        The resolved recipe, and sizes: `parameters`, `training_samples`, `test_samples`,
        `sample_shape`, `classes`, `steps`, and `memory_bytes`, an estimate of what parameters,
        gradients, the optimizer and the activations of a batch take, or of a rank's share of it.

    Raises:
        ZooError: as `train` would, before its first step.
    """
    asked = request.plans[0].settings
    request = request if shared is None else _alone(request, shared[1])
    with surroundings(request):
        job = prepare(request, registry, note)
        try:
            recipe = job.recipe if shared is None else _on_ranks(job.recipe, asked, *shared)
            samples = job.train.head(2).samples
            parameters = sum(p.numel() * p.element_size() for p in job.model.parameters())
            share = math.ceil(recipe.batch_size / recipe.ranks)
            activations = activation_bytes(job.model, samples) * share
        finally:
            job.close()
    return recipe, {
        "parameters": job.num_parameters,
        "training_samples": job.facts.num_train,
        "test_samples": job.facts.num_test,
        "sample_shape": job.facts.input.shape,
        "classes": job.facts.num_classes,
        "steps": job.num_steps,
        "memory_bytes": parameters * _COPIES + activations,
    }


def _alone(request: Request, ranks: int) -> Request:
    """Return what one process would do in place of all ranks."""
    device = request.plans[0].settings["device"]
    if device == "auto" and ranks > 1:  # of several ranks none takes MPS
        device = "cuda" if torch.cuda.is_available() else "cpu"
    alone = {"parallel": "none", "ranks": 1, "device": device}
    if ranks > 1:
        alone["accumulate"] = 1  # a rank's parts have samples of the others beside them
    plans = [replace(plan, settings={**plan.settings, **alone}) for plan in request.plans]
    return replace(request, plans=plans)


def _on_ranks(recipe: Recipe, asked: Mapping[str, Any], parallel: str, ranks: int) -> Recipe:
    """Return the recipe of one process as that of the ranks."""
    optimizer = dict(recipe.options.get("optimizer", {}))
    if parallel == "fsdp" and "optimizer.fused" not in asked:
        optimizer.pop("fused", None)
    options = {**recipe.options, "optimizer": optimizer}
    recipe = msgspec.structs.replace(
        recipe,
        parallel=parallel,
        ranks=ranks,
        accumulate=asked["accumulate"],
        options={part: values for part, values in options.items() if values},
    )
    check_ranks(recipe)
    return recipe
