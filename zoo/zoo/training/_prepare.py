"""From what was asked to a job: resolve, build, and say what would go wrong."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import nn

from zoo_registry import Entry, InvalidOption, Registry, Splits

from .._tracked import Trackers
from ..data import DataFacts, default_workers, describe, mix
from ..parallel import Strategy, choose_device, make_strategy, resolve_parallel
from ..recipe import Plan, Recipe, complete
from ..runs import Run
from ..weights import check_storable
from ._average import Average
from ._balance import with_class_weights
from ._checks import check_batch_size, check_model, check_ranks, check_step
from ._compile import compiled, resolve_compile
from ._components import build, build_empty, build_module, model_dtype
from ._feeding import Feeding
from ._groups import frozen
from ._job import Job
from ._layout import in_best_layout
from ._optimizer import build_optimizer
from ._precision import Precision, float32_products, resolve_precision
from ._random import seed_all
from ._ranked import check_alike
from ._source import first_available
from ._start import start, starts_elsewhere

Note = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Request:
    """What was asked: plans, and the parts that were given as Python objects."""

    plans: Sequence[Plan]
    """One for each dataset that may be trained on, the best first."""
    objects: Mapping[str, Any] = field(default_factory=dict)
    """By part: a module, a dataset or arrays, a loss module, a transform of samples."""
    data_root: Path | None = None
    resumed: Run | None = None
    """The run to go on with, whose recipe the plan is; None: a new one."""
    forced: bool = False
    """Go on also where another process may be at work on it."""
    trackers: Trackers = field(default_factory=dict)
    """Those that follow the training, with their options."""


def prepare(request: Request, registry: Registry, note: Note) -> Job:
    """Build and check everything that `request` needs.

    Args:
        request: what was asked.
        registry: the installed plugins.
        note: told what a user should know: another dataset chosen, a conversion made.

    Raises:
        ZooError: whatever would break the training, before its first step.
    """
    with ExitStack() as resources:
        asked = request.plans[0].settings
        device = choose_device(asked["device"])
        parallel = resolve_parallel(asked["parallel"], device, note)
        if parallel == "dp" and asked["compile"] != "none":
            raise InvalidOption(
                "DataParallel calls copies of the model, which can't be compiled; use --parallel "
                "ddp with --compile, or none"
            )
        strategy = make_strategy(parallel, device)
        resources.callback(strategy.close)
        job = _prepare(request, registry, strategy, parallel, note, resources)
        job.resources = resources.pop_all()
        return job


def _prepare(
    request: Request,
    registry: Registry,
    strategy: Strategy,
    parallel: str,
    note: Note,
    resources: ExitStack,
) -> Job:
    given = request.objects.get("dataset")
    plan, splits = first_available(request.plans, given, request.data_root, note)
    facts = describe(splits, _tasks(plan))
    plan = with_class_weights(plan, splits.train, facts)
    recipe, entries = complete(plan, facts, _resolved(plan, splits, strategy, parallel), registry)
    check_ranks(recipe)
    check_alike(strategy, recipe, facts)
    model, recipe = _ready_model(recipe, entries, request, strategy.device, note, resources)
    resources.callback(strategy.unwrap, model)
    net = strategy.wrap(in_best_layout(model, strategy.device))
    for text in (*facts.notes, *_sample_notes(facts, model)):
        note(text)
    feeding = Feeding(recipe, facts, strategy, model, request.objects.get("transform"))
    train = feeding.training(splits.train)
    resources.callback(train.close)
    test = feeding.testing(splits.test)
    if test is not None:
        resources.callback(test.close)
    device = strategy.device
    criterion = _build_loss(recipe, entries, request).to(device)
    check_step(net, train, criterion, facts)
    check_batch_size(model, train, recipe)
    resources.enter_context(compiled(model, recipe.compile))
    optimizer, options = build_optimizer(entries["optimizer"], model, recipe, device)
    if strategy.rank:  # the ranks' models start alike, but must not drop the same units
        seed_all(mix(recipe.seed, strategy.rank))
    return Job(
        recipe=_with_optimizer(recipe, options),
        entries=entries,
        facts=facts,
        strategy=strategy,
        precision=Precision(recipe.precision, device),
        model=model,
        net=net,
        criterion=criterion,
        optimizer=optimizer,
        scheduler=_build_scheduler(recipe, entries, optimizer, len(train)),
        average=Average(model, recipe.ema) if recipe.ema else None,
        train=train,
        test=test,
        data_root=request.data_root,
    )


def _resolved(plan: Plan, splits: Splits, strategy: Strategy, parallel: str) -> dict[str, Any]:
    """Return the settings that only the machine can tell."""
    return {
        "device": strategy.device.type if strategy.num_ranks > 1 else str(strategy.device),
        "parallel": parallel,
        "ranks": strategy.num_ranks,
        "workers": default_workers(splits.train, transform="augment.transform" in plan.settings),
    }


def _ready_model(
    recipe: Recipe,
    entries: Mapping[str, Entry],
    request: Request,
    device: torch.device,
    note: Note,
    resources: ExitStack,
) -> tuple[nn.Module, Recipe]:
    """Build and check the model; resolve the settings that depend on it."""
    seed_all(recipe.seed)
    if "model" in entries:
        make = build_empty if starts_elsewhere(recipe, request.resumed) else build_module
        model = make(entries["model"], **recipe.options.get("model", {}))
    else:
        model = request.objects["model"]
    start(model, recipe, request.resumed, note)
    resources.enter_context(frozen(model, recipe.freeze))
    check_model(model)
    check_storable(model)
    resources.enter_context(float32_products(device, tf32=recipe.tf32))
    return model, msgspec.structs.replace(
        recipe,
        precision=resolve_precision(recipe.precision, device, model),
        compile=resolve_compile(recipe.compile, device, model),
    )


def _build_loss(recipe: Recipe, entries: Mapping[str, Entry], request: Request) -> nn.Module:
    if "loss" in entries:
        return build_module(entries["loss"], **recipe.options.get("loss", {}))
    loss: nn.Module = request.objects["loss"]
    return loss


def _with_optimizer(recipe: Recipe, options: dict[str, Any]) -> Recipe:
    """Return the recipe with the optimizer's options as they were chosen."""
    if not options:
        return recipe
    return msgspec.structs.replace(recipe, options={**recipe.options, "optimizer": options})


def _build_scheduler(
    recipe: Recipe, entries: Mapping[str, Entry], optimizer: torch.optim.Optimizer, steps: int
) -> Any:
    options = recipe.options.get("scheduler", {})
    return build(entries["scheduler"], optimizer, total_steps=steps * recipe.epochs, **options)


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
