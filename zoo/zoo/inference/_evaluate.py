"""Measure a trained model on a dataset."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from zoo_registry import InvalidData, Registry

from .. import metrics
from ..card import Card
from ..data import Batches, DataFacts, default_workers, describe
from ..parallel import choose_device
from ..recipe import DEFAULT_LOSSES, OBJECT, plan_dataset
from ..training import build_module, evaluate, load_splits, make_prepare
from ._load import Loaded


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
        asked: `dataset` and `dataset.*` settings; empty: those the model was trained on.
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
    if dataset is None and "dataset" not in asked:
        if card.dataset.startswith(OBJECT):
            raise InvalidData("the model was trained on Python objects; name a dataset")
        asked = _trained_on(card.dataset, card.dataset_options, asked)
    settings = {**asked, "dataset": f"{OBJECT}arrays"} if dataset is not None else dict(asked)
    plan = plan_dataset(settings, registry, card.input.sizes())
    splits = load_splits(plan, dataset, root)
    facts = describe(splits, (card.task,))
    _require_same_kind(facts, card)
    target = choose_device(device)
    model = loaded.model.to(target)
    split, name = (splits.train, "train") if splits.test is None else (splits.test, "test")
    prepare = make_prepare(card.input, card.task, model, target)
    batches = Batches(split, batch_size, prepare, workers=default_workers(split), seed=None)
    meter = metrics.for_task(card.task, target, card.num_classes)
    criterion = _criterion(card, registry).to(target)
    return {
        "dataset": plan.settings["dataset"],
        "split": name,
        "samples": batches.num_samples,
        "metrics": evaluate(model, batches, criterion, meter),
    }


def _require_same_kind(facts: DataFacts, card: Card) -> None:
    if facts.task != card.task or facts.input.shape != card.input.shape:
        raise InvalidData(
            f"the model was trained for {card.task} on samples of shape {card.input.shape}; this "
            f"dataset is for {facts.task} with shape {facts.input.shape}"
        )
    other_names = facts.classes and card.classes not in ((), facts.classes)
    if other_names or facts.num_classes > card.num_classes:
        raise InvalidData(
            f"the dataset's classes {', '.join(facts.classes) or facts.num_classes} are not the "
            f"model's: {', '.join(card.classes) or card.num_classes}"
        )


def _trained_on(name: str, options: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    return {"dataset": name, **{f"dataset.{key}": v for key, v in options.items()}, **asked}


def _criterion(card: Card, registry: Registry) -> torch.nn.Module:
    if card.loss.startswith(OBJECT):
        # A loss of the user's own is not in the file: the task's usual one stands in.
        return build_module(registry.find("loss", DEFAULT_LOSSES[card.task]))
    return build_module(registry.find("loss", card.loss), **card.loss_options)
