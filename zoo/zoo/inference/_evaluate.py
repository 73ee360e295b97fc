"""Measure a trained model on a dataset."""

import warnings
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from zoo_registry import InvalidData, Registry

from .. import metrics
from ..card import Card
from ..data import Batches, DataFacts, default_workers, describe, if_cached
from ..home import user_path
from ..parallel import SingleDevice, choose_device
from ..recipe import DEFAULT_LOSSES, OBJECT, Plan, plan_dataset
from ..training import Precision, build_module, evaluate, load_splits, make_prepare
from ._load import Loaded
from ._trained_on import plan_trained

_PLACES = ("dataset", "dataset.path")
"""Settings that say where the data are."""


def measure(
    loaded: Loaded,
    registry: Registry,
    asked: Mapping[str, Any],
    *,
    dataset: Any = None,
    root: Path | None = None,
    device: str = "auto",
    batch_size: int = 512,
) -> dict[str, Any]:
    """Measure a model on the test split of a dataset (the training split where it has no other).

    Args:
        loaded: the model.
        registry: the installed plugins.
        asked: `dataset` and `dataset.*` settings; empty: those the model was trained on. Where
            that dataset is named, its settings hold too, so that the same samples are held out.
        dataset: arrays, Datasets or Splits, where it is no name.
        root: the folder handed to datasets.
        device: where to compute.
        batch_size: samples per forward pass.

    Returns:
        `dataset`, `split`, `samples`, `metrics`.

    Raises:
        InvalidData: the samples or labels are not of the kind the model was trained on.
    """
    card = loaded.card
    settings = {**asked, "dataset": f"{OBJECT}arrays"} if dataset is not None else dict(asked)
    plan = _plan(settings, card, registry)
    # Each sample is read once: what a training has cached is used, nothing is stored for it.
    streamed = replace(plan, settings={**plan.settings, "cache": "none"})
    try:
        splits = load_splits(streamed, dataset, root, warnings.warn)
    except InvalidData as error:
        if "path" not in card.dataset_options or any(key in settings for key in _PLACES):
            raise
        kind = card.dataset.rpartition("/")[2]
        raise InvalidData(
            f"{error}; the training had its data there: --dataset {kind}:PATH says where they are "
            "now"
        ) from error
    facts = describe(splits, (card.task,), training=False)
    _require_same_kind(facts, card)
    target = choose_device(device)
    model = loaded.model.to(target)
    split, name = (splits.train, "train") if splits.test is None else (splits.test, "test")
    split = if_cached(split)
    prepare = make_prepare(card.input, card.task, model, target)
    batches = Batches(split, batch_size, prepare, workers=default_workers(split), seed=None)
    meter = metrics.for_task(card.task, target, card.num_classes)
    criterion = _criterion(card, registry).to(target)
    with closing(batches):
        found = evaluate(
            model, batches, criterion, meter, SingleDevice(target), Precision("fp32", target)
        )
    return {
        "dataset": plan.settings["dataset"],
        "split": name,
        "samples": batches.num_samples,
        "metrics": found,
    }


def _require_same_kind(facts: DataFacts, card: Card) -> None:
    if facts.task != card.task or facts.input.shape != card.input.shape:
        raise InvalidData(
            f"the model was trained for {card.task} on samples of shape {card.input.shape}; this "
            f"dataset is for {facts.task} with shape {facts.input.shape}"
        )
    other_names = facts.classes and card.classes not in ((), facts.classes)
    # Data to measure on need not hold every class, but every column of labels or targets.
    other_number = facts.num_classes != card.num_classes
    if card.task == "classification":
        other_number = facts.num_classes > card.num_classes
    if other_names or other_number:
        raise InvalidData(
            f"the dataset's classes {', '.join(facts.classes) or facts.num_classes} are not the "
            f"model's: {', '.join(card.classes) or card.num_classes}"
        )


def _plan(asked: Mapping[str, Any], card: Card, registry: Registry) -> Plan:
    """Plan the dataset asked for, or the training's, whose settings hold wherever it is meant."""
    if "dataset" not in asked:
        return plan_trained(card, registry, asked)
    sizes = card.input.sizes()
    trained = {f"dataset.{key}": value for key, value in card.dataset_options.items()}
    plan = plan_dataset(asked, registry, sizes)
    if _source(plan.settings) != _source({**trained, "dataset": card.dataset}):
        return plan
    return plan_dataset({**trained, **asked}, registry, sizes)


def _source(settings: Mapping[str, Any]) -> tuple[str, Path | None]:
    """Name what is read: the dataset and its file or folder."""
    path = settings.get("dataset.path")
    return settings["dataset"], None if path is None else user_path(path).resolve()


def _criterion(card: Card, registry: Registry) -> torch.nn.Module:
    if card.loss.startswith(OBJECT):
        # A loss of the user's own is not in the file: the task's usual one stands in.
        return build_module(registry.find("loss", DEFAULT_LOSSES[card.task]))
    return build_module(registry.find("loss", card.loss), **card.loss_options)
