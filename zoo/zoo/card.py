"""The card: what a reader of the weights needs, kept in the safetensors header."""

import math
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from zoo_registry import Entry

from ._weight_files import CARD
from .data import DataFacts, InputSpec
from .errors import IncompatibleWeights, InvalidData
from .recipe import DEFAULT_LOSSES, Recipe

Name = Annotated[str, msgspec.Meta(max_length=200)]
"""That will be looked up: a stranger's card may have millions of characters in its place."""


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """Names the model, the plugin that offers it, its input and its classes."""

    model: Name
    """Qualified name, or `object:ClassName` for a module of the user's own."""
    options: dict[str, Any]
    """Keyword arguments that build the model."""
    plugin: Name
    distribution: Name
    version: Name
    task: str
    prepared: InputSpec | None = msgspec.field(name="input")
    """How samples are prepared; None where that is not known. Read it as `input`."""
    num_classes: int
    classes: tuple[str, ...]
    dataset: str
    dataset_options: dict[str, Any]
    loss: str
    loss_options: dict[str, Any]
    metrics: dict[str, float | None]
    """At the stored epoch; None where one is not defined, as r2 of a single sample."""

    @property
    def input(self) -> InputSpec:
        """How samples are prepared.

        Raises:
            IncompatibleWeights: it is not known; the text says how to tell.
        """
        if self.prepared is None:
            raise IncompatibleWeights(
                f"these weights of {self.model} are from another program, and don't say how its "
                "samples are prepared, or not in a way known here. Convert again with --dataset "
                "and the dataset that it was trained on; or use zoo.load_model and prepare samples "
                "yourself"
            )
        return self.prepared

    def to_metadata(self) -> dict[str, str]:
        """Return the card as a header's metadata."""
        return {CARD: msgspec.json.encode(self).decode()}

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
        prepared=facts.input,
        num_classes=facts.num_classes,
        classes=facts.classes,
        dataset=recipe.dataset,
        dataset_options=recipe.options.get("dataset", {}),
        loss=recipe.loss,
        loss_options=recipe.options.get("loss", {}),
        metrics={name: v if math.isfinite(v) else None for name, v in metrics.items()},
    )


def make_foreign_card(
    entry: Entry,
    options: Mapping[str, Any],
    facts: DataFacts | None,
    dataset: str = "",
    dataset_options: Mapping[str, Any] | None = None,
) -> Card:
    """Write the card of weights that another program trained.

    Args:
        entry: the model's.
        options: that it was built with.
        facts: of the dataset that it was trained on; None where that is not known.
        dataset: its name.
        dataset_options: its options.
    """
    task = facts.task if facts else next(iter(entry.spec.tasks), "")
    return Card(
        model=entry.name,
        options=dict(options),
        plugin=entry.plugin.name,
        distribution=entry.plugin.distribution,
        version=entry.plugin.version,
        task=task,
        prepared=facts.input if facts else None,
        num_classes=facts.num_classes if facts else options.get("num_classes", 0),
        classes=facts.classes if facts else (),
        dataset=dataset,
        dataset_options=dict(dataset_options or {}),
        loss=DEFAULT_LOSSES.get(task, ""),
        loss_options={},
        metrics={},
    )


def read_card(metadata: Mapping[str, str], source: object) -> Card:
    """Read the card from a header's metadata.

    Raises:
        IncompatibleWeights: `source` was not written by a training of ours, or by a newer one.
    """
    if CARD not in metadata:
        raise IncompatibleWeights(
            f"{source} does not say which model it is for; build the model and use "
            "zoo.load_weights(model, file), or write it down: zoo convert FILE -o OUT --model NAME"
        )
    try:
        return msgspec.json.decode(metadata[CARD], type=Card)
    except (msgspec.DecodeError, InvalidData, RecursionError, UnicodeError) as error:
        raise IncompatibleWeights(f"{source} holds a card that can't be read: {error}") from error
