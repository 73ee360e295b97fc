"""From what was asked to a job: resolve, build, and say what would go wrong."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from zoo_registry import DatasetUnavailable, InvalidOption, Registry, Splits, ZooError

from ..data import DataFacts, as_splits, default_workers, describe
from ..home import data_dir
from ..parallel import choose_device, make_strategy
from ..recipe import Plan, complete
from ..weights import check_storable
from ._checks import check_batch_size, check_model, check_step
from ._components import build, build_module, make_batches, make_prepare, model_dtype
from ._job import Job


@dataclass(frozen=True, kw_only=True)
class Request:
    """What was asked: plans, and the parts that were given as Python objects."""

    plans: Sequence[Plan]
    """One for each dataset that may be trained on, the best first."""
    objects: Mapping[str, Any] = field(default_factory=dict)
    """By part: a module, a dataset or arrays, a loss module."""
    data_root: Path | None = None


def prepare(request: Request, registry: Registry, note: Callable[[str], None]) -> Job:
    """Build and check everything that `request` needs.

    Args:
        request: what was asked.
        registry: the installed plugins.
        note: told what a user should know: another dataset chosen, a conversion made.

    Raises:
        ZooError: whatever would break the training, before its first step.
    """
    device = choose_device(request.plans[0].settings["device"])
    plan, splits = _first_available(request, note)
    facts = describe(splits, _tasks(plan))
    recipe, entries = complete(plan, facts, default_workers(splits.train), str(device), registry)
    strategy = make_strategy(recipe.parallel, device)
    torch.manual_seed(recipe.seed)
    if "model" in entries:
        model = build_module(entries["model"], **recipe.options.get("model", {}))
    else:
        model = request.objects["model"]
    check_model(model)
    check_storable(model)
    net = strategy.wrap(model)
    convert = make_prepare(facts.input, facts.task, model, device)
    for text in (*facts.notes, *_sample_notes(facts, model)):
        note(text)
    train = make_batches(splits.train, recipe, convert, training=True)
    if "loss" in entries:
        criterion = build_module(entries["loss"], **recipe.options.get("loss", {}))
    else:
        criterion = request.objects["loss"]
    criterion = criterion.to(device)
    check_step(net, train, criterion, facts)
    check_batch_size(model, train)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    options = recipe.options.get("optimizer", {})
    optimizer = build(entries["optimizer"], trained, lr=recipe.lr, **options)
    steps = len(train) * recipe.epochs
    options = recipe.options.get("scheduler", {})
    return Job(
        recipe=recipe,
        entries=entries,
        facts=facts,
        strategy=strategy,
        model=model,
        net=net,
        criterion=criterion,
        optimizer=optimizer,
        scheduler=build(entries["scheduler"], optimizer, total_steps=steps, **options),
        train=train,
        test=None
        if splits.test is None
        else make_batches(splits.test, recipe, convert, training=False),
    )


def _first_available(request: Request, note: Callable[[str], None]) -> tuple[Plan, Splits]:
    """Build the dataset of the first plan whose data can really be had."""
    for plan in request.plans:
        try:
            splits = load_splits(plan, request.objects.get("dataset"), request.data_root)
        except DatasetUnavailable as error:
            if plan is request.plans[-1]:
                raise
            note(str(error))
        else:
            if plan.note:
                note(plan.note)
            return plan, splits
    raise DatasetUnavailable("no dataset can be had")  # make_plans returns one or raises


def load_splits(plan: Plan, given: Any, root: Path | None) -> Splits:
    """Build the plan's dataset, or take the one given as an object.

    Raises:
        InvalidOption: options that arrays and torch datasets do not have.
        ZooError: the dataset's builder raised or returned something else than Splits.
    """
    if "dataset" not in plan.entries:
        return as_splits(given)
    entry = plan.entries["dataset"]
    splits = build(entry, root=root or data_dir(), **plan.options("dataset"))
    if not isinstance(splits, Splits):
        raise ZooError(f"{entry.name} built a {type(splits).__name__}, not zoo_registry.Splits")
    return splits


def _tasks(plan: Plan) -> tuple[str, ...]:
    """Name the tasks this training may have: the dataset's, narrowed by the loss asked for."""
    dataset, loss = plan.entries.get("dataset"), plan.entries.get("loss")
    tasks = dataset.spec.tasks if dataset else ()
    if loss is None:
        return tasks
    both = tuple(task for task in tasks if task in loss.spec.tasks)
    if dataset and not both:
        raise InvalidOption(
            f"{loss.name} is a loss for {' and '.join(loss.spec.tasks)}; {dataset.name} is for "
            f"{' and '.join(tasks)}"
        )
    return both or loss.spec.tasks


def _sample_notes(facts: DataFacts, model: nn.Module) -> list[str]:
    """Tell of a cast of the samples that a user may not expect."""
    dtype = model_dtype(model)
    name = str(dtype).removeprefix("torch.")
    if dtype is None or facts.input.dtype in (name, "uint8"):
        return []
    return [f"samples are {facts.input.dtype}; used as {name}, the model's dtype"]
