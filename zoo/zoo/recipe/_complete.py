"""From a plan and its data to a recipe that leaves nothing open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zoo_registry import Entry, InvalidData, InvalidOption, Registry, options_of

from .. import metrics
from .._options import check_options
from ._plan import FILLED, Plan
from ._recipe import OBJECT, WITH_OPTIONS, Recipe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..data import DataFacts  # imports torch, which checking a recipe must not

DEFAULT_LOSSES = {
    "classification": "optim/cross-entropy",
    "multilabel": "optim/bce-with-logits",
    "regression": "optim/mse",
}

_CHOSEN_HERE = ("device", "parallel", "ranks")
"""Settings that are what the machine has, whatever was asked."""


def complete(
    plan: Plan, facts: DataFacts, resolved: Mapping[str, Any], registry: Registry
) -> tuple[Recipe, dict[str, Entry]]:
    """Fill in what only the data can tell: the loss, the model's sizes, the monitored metric.

    Args:
        plan: what was asked, checked.
        facts: of the dataset.
        resolved: what only the machine could tell: `device`, `parallel`, `ranks`, and the
            `workers` where nobody said how many.
        registry: where the default loss is found.

    Returns:
        The recipe, and the entry behind each part that is no Python object.

    Raises:
        InvalidOption: a loss for another task, an unknown metric, an option the loss lacks.
    """
    _require_task(plan, facts.task, registry)
    loss = _loss(plan, facts.task, registry)
    entries = dict(plan.entries)
    options = {part: plan.options(part) for part in WITH_OPTIONS}
    if loss is not None:
        entries["loss"] = loss
        options["loss"] = check_options(loss.name, "loss", options_of(loss.spec), options["loss"])
    if "model" in entries:
        options["model"] = fill(entries["model"], options["model"], facts)
    settings = {key: value for key, value in plan.settings.items() if "." not in key}
    settings["loss"] = loss.name if loss else settings["loss"]
    settings["monitor"] = _monitor(settings.get("monitor"), facts)
    settings = {**resolved, **settings, **{k: resolved[k] for k in _CHOSEN_HERE}}
    return Recipe(**settings, options={p: v for p, v in options.items() if v}), entries


def _require_task(plan: Plan, task: str, registry: Registry) -> None:
    """Refuse data for a task that nobody, or not this model, serves."""
    if task not in DEFAULT_LOSSES:
        raise InvalidData(f"the data is for {task!r}; there are: {', '.join(DEFAULT_LOSSES)}")
    entry = plan.entries.get("model")
    if entry is not None and task not in entry.spec.tasks:
        others = [e.name for e in registry.select(kind="model") if task in e.spec.tasks]
        raise InvalidOption(
            f"{entry.name} is a model for {' and '.join(entry.spec.tasks)}, but the data is for "
            f"{task}; models for that: {', '.join(others) or 'none'}"
        )


def _loss(plan: Plan, task: str, registry: Registry) -> Entry | None:
    """Find the loss; None where it was given as an object."""
    named = plan.settings.get("loss", "")
    if named.startswith(OBJECT):
        return None
    entry = plan.entries.get("loss") or registry.find("loss", DEFAULT_LOSSES[task])
    if task not in entry.spec.tasks:
        fitting = [e.spec.name for e in registry.select(kind="loss") if task in e.spec.tasks]
        raise InvalidOption(
            f"{entry.name} is a loss for {' and '.join(entry.spec.tasks)}, but the data is for "
            f"{task}; losses for that: {', '.join(fitting)}"
        )
    return entry


def fill(entry: Entry, options: dict[str, Any], facts: DataFacts) -> dict[str, Any]:
    """Give a model the sizes it asks for and the user did not set.

    Raises:
        InvalidOption: it needs a size that this data does not have.
    """
    sizes = {"num_classes": facts.num_classes, **facts.input.sizes()}
    filled = dict(options)
    for option in options_of(entry.spec).options:
        if option.name not in FILLED or option.name in options:
            continue
        if option.name in sizes:
            filled[option.name] = sizes[option.name]
        else:
            raise InvalidOption(
                f"{entry.name} takes images (channels, rows, columns); this dataset's samples "
                f"have shape {facts.input.shape}. A model for them: `zoo list --kind model`"
            )
    return filled


def _monitor(asked: str | None, facts: DataFacts) -> str:
    """Resolve the metric and the direction that choose the best epoch."""
    prefix = "" if facts.num_test else "train_"
    known = [prefix + name for name in metrics.names(facts.task, facts.num_classes)]
    if asked is None:
        asked = prefix + metrics.default_monitor(facts.task)
    name, _, direction = asked.partition(":")
    if name not in known:
        raise InvalidOption(f"no metric named {name!r} to monitor; there are: {', '.join(known)}")
    direction = direction or metrics.direction(name.removeprefix("train_"))
    if direction not in ("min", "max"):
        raise InvalidOption(f"monitor={asked!r}: the direction is min or max, {name}:max")
    return f"{name}:{direction}"
