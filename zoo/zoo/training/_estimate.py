"""A dry run: everything but the training."""

from collections.abc import Callable
from typing import Any

from zoo_registry import Registry

from ..recipe import Recipe
from ._checks import activation_bytes
from ._prepare import Request, prepare
from ._train import surroundings

_COPIES = 1 + 1 + 2
"""Of the parameters in memory, at most: themselves, gradients, and Adam's two moments."""


def estimate(
    request: Request, registry: Registry, note: Callable[[str], None]
) -> tuple[Recipe, dict[str, Any]]:
    """Prepare a training as `train` would, and train nothing.

    Args:
        request: what was asked.
        registry: the installed plugins.
        note: told what a user should know.

    Returns:
        The resolved recipe, and sizes: `parameters`, `training_samples`, `test_samples`,
        `sample_shape`, `classes`, `steps`, and `memory_bytes`, an estimate of what parameters,
        gradients, the optimizer and one batch's activations take.

    Raises:
        ZooError: as `train` would, before its first step.
    """
    with surroundings(request):
        job = prepare(request, registry, note)
        try:
            samples = job.train.head(2).samples
            parameters = sum(p.numel() * p.element_size() for p in job.model.parameters())
            activations = activation_bytes(job.model, samples) * job.recipe.batch_size
        finally:
            job.close()
    return job.recipe, {
        "parameters": job.num_parameters,
        "training_samples": job.facts.num_train,
        "test_samples": job.facts.num_test,
        "sample_shape": job.facts.input.shape,
        "classes": job.facts.num_classes,
        "steps": job.num_steps,
        "memory_bytes": parameters * _COPIES + activations,
    }
