"""The dataset that a model was trained on, as it was then."""

from collections.abc import Mapping
from typing import Any

from zoo_registry import InvalidData, Registry

from ..card import Card
from ..recipe import OBJECT, Plan, plan_dataset


def plan_trained(card: Card, registry: Registry, asked: Mapping[str, Any] | None = None) -> Plan:
    """Plan to read the model's own dataset.

    Args:
        card: the model's.
        registry: the installed plugins.
        asked: `dataset.*` settings that go before those of the training.

    Raises:
        InvalidData: it was trained on Python objects, or the card names no dataset.
    """
    if not card.dataset:
        raise InvalidData("nothing says which dataset the model was trained on; name one")
    if card.dataset.startswith(OBJECT):
        raise InvalidData("the model was trained on Python objects; name a dataset")
    trained = {f"dataset.{key}": value for key, value in card.dataset_options.items()}
    settings = {**trained, **(asked or {}), "dataset": card.dataset}
    return plan_dataset(settings, registry, card.input.sizes())
