"""Specs: data that describes a component without importing its code."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ._address import address_of
from ._errors import SpecError

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


def _is_line(value: object) -> bool:
    return isinstance(value, str) and "\n" not in value


def _is_names(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(name, str) for name in value)


def _is_mapping(value: object) -> bool:
    return isinstance(value, Mapping)


# Checked when a spec is built: a forgotten comma would else show when somebody trains.
_CHECKS = {
    "summary": (_is_line, "one line"),
    "task": (lambda value: isinstance(value, str) or _is_names(value), "a name or a tuple of them"),
    "datasets": (_is_names, "a tuple of names"),
    "files": (_is_names, "a tuple of paths"),
    "urls": (_is_names, "a tuple of addresses"),
    "arguments": (_is_mapping, "a mapping"),
    "expects": (lambda value: isinstance(value, str), "an address"),
    "initial": (_is_names, "a tuple of names"),
    "plain": (lambda value: isinstance(value, str), "an address"),
    "recipe": (_is_mapping, "a mapping"),
    "recipes": (
        lambda value: _is_mapping(value) and all(map(_is_mapping, value.values())),
        "a mapping of mappings",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Spec:
    """What every component has: a name, the address of its builder, one line about it."""

    kind: ClassVar[str] = "component"

    name: str
    """Lower-case letters, digits, `.`, `_` and `-`; unique within its plugin and kind."""
    build: str | Callable[..., Any]
    """`"package.module:attribute"`; a callable is turned into its address."""
    summary: str = ""
    """One line for `zoo list`."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Given to `build` besides the options, none of which they are: one builder, many specs."""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise SpecError(
                f"{self.name!r} is not a {self.kind} name; use lower-case letters, digits, . _ -"
            )
        for field_name, (holds, wanted) in _CHECKS.items():
            value = getattr(self, field_name, None)
            if hasattr(self, field_name) and not holds(value):
                raise SpecError(
                    f"{self.kind} {self.name!r}: {field_name}={value!r} is not {wanted}"
                )
        object.__setattr__(self, "build", address_of(self.build))

    @property
    def address(self) -> str:
        """The address of the builder."""
        assert isinstance(self.build, str)
        return self.build

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks it serves; empty when any."""
        task: str | tuple[str, ...] = getattr(self, "task", ())
        return (task,) if isinstance(task, str) else tuple(task)


@dataclass(frozen=True, kw_only=True)
class ModelSpec(Spec):
    """A model: `build(**options)` returns an `nn.Module` that knows nothing of the zoo.

    Where its signature has `num_classes`, `in_channels`, `image_size` or `in_features` and the
    user set none, the dataset fills them.
    """

    kind = "model"

    task: str | tuple[str, ...] = "classification"
    """`classification`, `multilabel`, `regression`, or several of them."""
    datasets: tuple[str, ...] = ()
    """Names of the datasets it is meant for, best first."""
    recipe: Mapping[str, Any] = field(default_factory=dict)
    """The author's defaults: recipe fields and dotted options, as `--set` takes them."""
    recipes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What differs on a dataset: `{"digits": {"epochs": 40}}`."""
    expects: str = ""
    """The address of what says how samples should be: called with `arguments` and the options
    that are set, it returns options of datasets, `{"image_size": 224, "mean": …, "std": …}`. A
    dataset gets those that its builder has and the user left open."""
    initial: tuple[str, ...] = ()
    """Options that choose no more than the weights a training starts from. They are left out where
    weights are loaded afterwards: of a trained model, a resumed run, `--weights`."""
    plain: str = ""
    """The address of what says how the model is built by the library that it comes from, without
    the plugin: called with `arguments` and the options that are set but `initial`, it returns the
    call as Python, `"timm.create_model('resnet18', num_classes=4)"`, or `""` where there is none.
    Cards show it; empty: they show `build`."""


@dataclass(frozen=True, kw_only=True)
class DatasetSpec(Spec):
    """A dataset: `build(root=Path, **options)` returns `Splits`.

    A dataset whose builder has an option `path` is written `name:PATH`.
    """

    kind = "dataset"

    task: str | tuple[str, ...] = "classification"
    """The task of its labels, or the tasks it may turn out to have (see `Splits.task`)."""
    files: tuple[str, ...] = ()
    """Paths under `root`; the dataset is on this machine when all of them exist."""
    urls: tuple[str, ...] = ()
    """What is fetched when `files` are missing, mirrors of one file; empty: nothing is fetched."""


@dataclass(frozen=True, kw_only=True)
class OptimizerSpec(Spec):
    """An optimizer: `build(params, lr=…, **options)` behaves as `torch.optim.Optimizer`."""

    kind = "optimizer"


@dataclass(frozen=True, kw_only=True)
class LossSpec(Spec):
    """A loss: `build(**options)` returns a module, `(outputs, targets) -> scalar mean`."""

    kind = "loss"

    task: str | tuple[str, ...] = "classification"
    """The tasks whose targets it takes."""


@dataclass(frozen=True, kw_only=True)
class SchedulerSpec(Spec):
    """A scheduler: `build(optimizer, total_steps=…, **options)`.

    `step()` is called after every optimizer step. Where it has `epoch_ended(value)`, that is
    called after each epoch with the monitored value, turned so that lower is better.
    """

    kind = "scheduler"


@dataclass(frozen=True, kw_only=True)
class TrackerSpec(Spec):
    """A tracker: `build(**options)` returns an object whose methods are life-cycle hooks.

    It is built, and what it imports is imported, where `--track` names it.
    """

    kind = "tracker"


@dataclass(frozen=True, kw_only=True)
class Splits:
    """What a dataset's builder returns.

    A split is a map-style `torch.utils.data.Dataset` of `(sample, label)`. It may also offer
    `batch(indices) -> (samples, labels)`, with `indices` an int64 tensor (B,), which is then
    used instead of item by item. Samples in uint8 are images (C, H, W) with values 0..255.
    """

    train: Any
    test: Any = None
    """None where there is nothing to evaluate on."""
    classes: tuple[str, ...] = ()
    """Names in the order of the labels; for regression, names of the targets, or none."""
    task: str | None = None
    """The task found in the data; None: the one its spec names."""
    mean: tuple[float, ...] = ()
    """Per channel, of samples scaled to 0..1: uint8 samples become `(x/255 - mean) / std`."""
    std: tuple[float, ...] = ()
    """As `mean`; both empty leaves uint8 samples at `x/255`."""
