"""What a model is tried on: its declared data where they are here, else samples made up for it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from zoo_registry import (
    DatasetSpec,
    DatasetUnavailable,
    Entry,
    ModelSpec,
    Registry,
    Splits,
    UnknownName,
    options_of,
    resolve,
)

from ..data import ArrayDataset, DataFacts, describe, length, read_item
from ..home import data_dir
from ..recipe import DEFAULT_LOSSES, FILLED, fill, make_plans
from ..training import build_module, first_available, make_prepare
from ._check import Subject
from ._latest import Latest

# B = batch, K = classes, labels or targets

_CPU = torch.device("cpu")
_MADE_UP = 40
"""Samples that are made up; more than any check takes at once."""
_CLASSES = 5
_USUAL = (32, 64, 224, 299)
"""Rows and columns of images, where nothing says which."""


@dataclass(frozen=True)
class Material:
    """A model's entry, and data that it can be tried on."""

    entry: Entry
    splits: Splits
    facts: DataFacts
    options: dict[str, Any]
    """The author's options for these data, and the sizes that they fill."""
    dataset: str
    """The name of the declared dataset; empty where samples are made up."""
    why_made_up: str = ""

    def build(self, **options: Any) -> nn.Module:
        """Build the model for these data, some options set otherwise."""
        return build_module(self.entry, **{**self.options, **options})

    def batch(self, size: int, model: nn.Module) -> tuple[Tensor, Tensor]:
        """Return the first samples (B, …) and their labels, as this model takes them."""
        items = [read_item(self.splits.train, i % length(self.splits.train)) for i in range(size)]
        prepare = make_prepare(self.facts.input, self.facts.task, model, _CPU)
        samples = torch.stack([sample for sample, _ in items])
        labels = torch.stack([label for _, label in items])
        return prepare.samples(samples), prepare.labels(labels)

    def criterion(self, registry: Registry) -> nn.Module:
        """Return the loss that a training would take for the task."""
        return build_module(registry.find("loss", DEFAULT_LOSSES[self.facts.task]))


@Latest
def material(subject: Subject) -> Material:
    """Return what a model is tried on; read once for all checks of the model."""
    entry, root = subject.spec_entry, subject.data_root or data_dir()
    spec = entry.spec
    assert isinstance(spec, ModelSpec)
    missing = []
    for name in spec.datasets:
        try:
            return _declared(subject.registry, entry, name, root)
        except (DatasetUnavailable, UnknownName) as error:
            missing.append(f"{name} ({error})")
    why = f"data not here: {'; '.join(missing)}" if missing else "it declares no datasets"
    return _made_up(entry, why)


def _declared(registry: Registry, entry: Entry, name: str, root: Path) -> Material:
    """Read a dataset of the model's, if it is here: nothing is fetched.

    Raises:
        DatasetUnavailable: it is not.
    """
    found = registry.find("dataset", name, entry.plugin)
    spec = found.spec
    assert isinstance(spec, DatasetSpec)
    require_files(spec, root)
    asked = {"model": entry.name, "dataset": found.name, "cache": "none"}
    plan, splits = first_available(make_plans(asked, registry, root), None, root, _ignore)
    facts = describe(splits, spec.tasks)
    options = fill(entry, plan.options("model"), facts)
    return Material(entry, splits, facts, options, found.name)


def require_files(spec: DatasetSpec, root: Path) -> None:
    """Refuse a dataset whose files are not here.

    Raises:
        DatasetUnavailable: the text names the first that is missing.
    """
    for file in spec.files:
        if not (root / file).exists():
            raise DatasetUnavailable(f"{file} is not in the data folder")


def _made_up(entry: Entry, why: str) -> Material:
    """Make samples that fit the sizes in the model's signature, else the first that it takes."""
    known = {option.name: option.default for option in options_of(entry.spec).options}
    shapes = _shapes(entry, known)
    found = (_with_samples(entry, why, shape) for shape in shapes)
    if len(shapes) > 1 and (taken := next(filter(_takes, found), None)):
        return taken
    return _with_samples(entry, why, shapes[0])


def _with_samples(entry: Entry, why: str, shape: tuple[int, ...]) -> Material:
    known = {option.name: option.default for option in options_of(entry.spec).options}
    task = entry.spec.tasks[0]
    draw = torch.Generator().manual_seed(0)
    samples = torch.rand(_MADE_UP, *shape, generator=draw)
    classes = known.get("num_classes")
    size = classes if isinstance(classes, int) and classes > 1 else _CLASSES
    splits = Splits(
        train=ArrayDataset(samples, _labels(task, size, draw)),
        classes=tuple(map(str, range(size))),
        task=task,
    )
    facts = describe(splits, (task,))
    sizes = {"num_classes": size, **facts.input.sizes()}
    options = {name: sizes[name] for name in known if name in FILLED and name in sizes}
    return Material(entry, splits, facts, options, "", why)


def _takes(found: Material) -> bool:
    """Tell whether the model computes something for samples of this size."""
    try:
        model = found.build().eval()
        with torch.no_grad():
            model(found.batch(2, model)[0])
    except Exception:  # noqa: BLE001 - whatever a model says to samples that are too small for it
        return False
    return True


def _shapes(entry: Entry, known: dict[str, Any]) -> list[tuple[int, ...]]:
    """Return the shapes of samples that a model with these options and defaults may take."""
    features = known.get("in_features")
    if "in_features" in known and not {"in_channels", "image_size"} & known.keys():
        return [(features if isinstance(features, int) else 16,)]
    expected = {}
    if isinstance(entry.spec, ModelSpec) and entry.spec.expects:
        expected = resolve(entry.spec.expects)(**entry.spec.arguments)
    channels = known.get("in_channels")
    stated = known.get("image_size") or expected.get("image_size")
    return [
        (channels if isinstance(channels, int) else 3, rows, columns)
        for size in ([stated] if stated else _USUAL)
        for rows, columns in [size if isinstance(size, tuple | list) else (size, size)]
    ]


def _labels(task: str, classes: int, draw: torch.Generator) -> Tensor:
    """Return labels (N,) or (N, K) for the task."""
    if task == "classification":
        return torch.arange(_MADE_UP) % classes
    if task == "multilabel":
        return (torch.rand(_MADE_UP, classes, generator=draw) > 0.5).long()
    return torch.randn(_MADE_UP, classes, generator=draw)


def _ignore(_text: str) -> None:
    pass
