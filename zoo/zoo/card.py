"""The card: what a reader of the weights needs, kept in the safetensors header."""

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from zoo_registry import Entry

from .data import DataFacts, InputSpec
from .errors import IncompatibleWeights
from .recipe import Recipe

KEY = "zoo"
"""The key of the header's metadata that holds the card, as JSON."""


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """Names the model, the plugin that offers it, its input and its classes."""

    model: str
    """Qualified name, or `object:ClassName` for a module of the user's own."""
    options: dict[str, Any]
    """Keyword arguments that build the model."""
    plugin: str
    distribution: str
    version: str
    task: str
    input: InputSpec
    num_classes: int
    classes: tuple[str, ...]
    dataset: str
    dataset_options: dict[str, Any]
    loss: str
    loss_options: dict[str, Any]
    metrics: dict[str, float | None]
    """At the stored epoch; None where one is not defined, as r2 of a single sample."""

    def to_metadata(self) -> dict[str, str]:
        """Return the card as a header's metadata."""
        return {KEY: msgspec.json.encode(self).decode()}

    def class_name(self, index: int) -> str:
        """Return the name of class `index`; its number where classes have no names."""
        return self.classes[index] if index < len(self.classes) else str(index)


def make_card(
    recipe: Recipe, entries: Mapping[str, Entry], facts: DataFacts, metrics: Mapping[str, float]
) -> Card:
    """Write the card of a model trained by `recipe` on data with these `facts`."""
    plugin = entries["model"].plugin if "model" in entries else None
    return Card(
        model=recipe.model,
        options=recipe.options.get("model", {}),
        plugin=plugin.name if plugin else "",
        distribution=plugin.distribution if plugin else "",
        version=plugin.version if plugin else "",
        task=facts.task,
        input=facts.input,
        num_classes=facts.num_classes,
        classes=facts.classes,
        dataset=recipe.dataset,
        dataset_options=recipe.options.get("dataset", {}),
        loss=recipe.loss,
        loss_options=recipe.options.get("loss", {}),
        metrics={name: v if math.isfinite(v) else None for name, v in metrics.items()},
    )


def read_card(metadata: Mapping[str, str], source: object) -> Card:
    """Read the card from a header's metadata.

    Raises:
        IncompatibleWeights: `source` was not written by a training of ours, or by a newer one.
    """
    if KEY not in metadata:
        raise IncompatibleWeights(
            f"{source} does not say which model it is for; build the model and use "
            "zoo.load_weights(model, file)"
        )
    try:
        return msgspec.json.decode(metadata[KEY], type=Card)
    except msgspec.DecodeError as error:
        raise IncompatibleWeights(f"{source} holds a card that can't be read: {error}") from error
