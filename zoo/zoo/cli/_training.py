"""Behind `zoo train`: what needs torch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from zoo._registry import registry
from zoo.recipe import Plan
from zoo.reporting import Json, screen_reporter
from zoo.training import Job, Request, activation_bytes, prepare, train

from ._main import say
from ._output import print_json

_GRADIENTS = 1
_OPTIMIZER_STATES = 2
"""Copies of the parameters beside the weights: at most, for Adam's two moments."""


def run(plans: Sequence[Plan], root: Path | None, name: str | None, *, as_json: bool) -> None:
    """Train, showing a bar, lines or JSON."""
    reporter = Json() if as_json else screen_reporter()
    done = train(Request(plans=plans, data_root=root), registry(), reporter, name)
    if not as_json:
        click.echo(f"  zoo predict {done.name} FILE…   ·   zoo eval {done.name}")


def dry_run(plans: Sequence[Plan], root: Path | None, _name: str | None, *, as_json: bool) -> None:
    """Print the resolved recipe, sizes and a memory estimate."""
    job = prepare(Request(plans=plans, data_root=root), registry(), say)
    sizes = _sizes(job)
    if as_json:
        print_json({"recipe": job.recipe.to_dict(), **sizes})
        return
    click.echo(job.recipe.to_toml())
    for key, value in sizes.items():
        click.echo(
            f"# {key.replace('_', ' ')}: {value:,}"
            if isinstance(value, int)
            else f"# {key}: {value}"
        )


def _sizes(job: Job) -> dict[str, Any]:
    samples = job.train.head(2)[0]
    parameters = sum(p.numel() * p.element_size() for p in job.model.parameters())
    activations = activation_bytes(job.model, samples) * job.recipe.batch_size
    copies = 1 + _GRADIENTS + _OPTIMIZER_STATES
    return {
        "parameters": job.num_parameters,
        "training_samples": job.facts.num_train,
        "test_samples": job.facts.num_test,
        "sample_shape": job.facts.input.shape,
        "classes": job.facts.num_classes,
        "steps": job.num_steps,
        "memory_bytes": parameters * copies + activations,
    }
