"""What is known of a run that is to be shared, read without torch."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from zoo_registry import Entry, ModelSpec, Registry, UsageError, ZooError, options_of

from .._options import check_options
from .._weight_files import CARD, header_of
from ..recipe import OBJECT
from ..runs import Run, find_run, why_no_weights


@dataclass(frozen=True)
class Subject:
    """A run with weights, and what they say of themselves."""

    run: Run
    card: Mapping[str, Any]
    shapes: Mapping[str, tuple[int, ...]]
    """Of each tensor, by name."""
    entry: Entry | None
    """The model's; None where no installed plugin offers it, or it is the user's own module."""

    @property
    def model(self) -> str:
        """The qualified name."""
        return str(self.card["model"])

    @property
    def is_own_module(self) -> bool:
        """Whether no plugin offers the model: it was given as a Python object."""
        return self.model.startswith(OBJECT)

    @property
    def bare_name(self) -> str:
        """The name without the plugin's."""
        return self.model.removeprefix(OBJECT).rpartition("/")[2]

    @property
    def dataset(self) -> str:
        """The dataset's qualified name; of one given as a Python object, what that is."""
        return str(self.card.get("dataset", "")).removeprefix(OBJECT)

    @cached_property
    def spec(self) -> ModelSpec | None:
        """The model's; None where there is no entry."""
        return self.entry.spec if self.entry and isinstance(self.entry.spec, ModelSpec) else None

    @cached_property
    def options(self) -> dict[str, Any]:
        """That build the model, but those that only choose weights to start from."""
        initial = self.spec.initial if self.spec else ()
        options = {name: v for name, v in self.card["options"].items() if name not in initial}
        if self.entry is None:
            return options
        try:  # JSON has no tuples; the builder may want them
            return check_options(self.model, "model", options_of(self.entry.spec), options)
        except ZooError:  # another version of the plugin than the one it was trained with
            return options

    @property
    def split(self) -> str:
        """The split that its metrics were measured on."""
        return "test" if self.run.record.get("data", {}).get("test") else "train"

    @cached_property
    def metrics(self) -> dict[str, float]:
        """Those of that split, as far as they are numbers."""
        found = self.run.metrics.items()
        if self.split == "train":
            found = {
                k.removeprefix("train_"): v for k, v in found if k.startswith("train_")
            }.items()
        return {
            name: value
            for name, value in found
            if isinstance(value, int | float) and not name.startswith("train_")
        }


def subject_of(source: str, registry: Registry) -> Subject:
    """Find a run that can be shared.

    Raises:
        UsageError: there is none, it is still being trained, or it has stored no weights.
        CorruptWeights: its record or its weights are damaged.
    """
    run = find_run(source)
    if run.state == "running":
        raise UsageError(f"the run {run.name} is still being trained; push it once it has ended")
    if run.state == "damaged":
        raise UsageError(f"the run {run.name} can't be pushed: {run.reason}")
    if not run.weights.is_file():
        raise UsageError(why_no_weights(run))
    header = header_of(run.weights)
    try:
        card = json.loads(header.metadata[CARD])
        card["model"], card["options"].items(), card["num_classes"]
    except (AttributeError, KeyError, ValueError, TypeError) as error:
        raise UsageError(f"{run.weights} does not say which model it is for") from error
    shapes = {name: extent.shape for name, extent in header.tensors.items()}
    try:
        entry = registry.find("model", str(card["model"]))
    except ZooError:
        entry = None
    return Subject(run, card, shapes, entry)
