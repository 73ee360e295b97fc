"""The data of a training: the first dataset that can be had, as the model expects its samples."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from zoo_registry import (
    DatasetUnavailable,
    ModelSpec,
    SpecError,
    Splits,
    ZooError,
    options_of,
    resolve,
)

from .._options import check_options
from ..data import as_splits, cached
from ..home import data_dir
from ..recipe import FILLED, Plan
from ._components import build

Note = Callable[[str], None]


def first_available(
    plans: Sequence[Plan], given: Any, root: Path | None, note: Note
) -> tuple[Plan, Splits]:
    """Build the dataset of the first plan whose data can really be had.

    Args:
        plans: the best first.
        given: the dataset, where it is an object.
        root: the folder handed to datasets; None: the zoo's own.
        note: told why another than the first is used, and what the model expects of the samples.

    Returns:
        The plan, with the options that the dataset got from the model; and the splits.

    Raises:
        ZooError: no plan's data can be had, or what would break the training.
    """
    for plan in plans:
        expected = _as_expected(plan)
        try:
            splits = load_splits(expected, given, root, note)
        except DatasetUnavailable as error:
            if plan is plans[-1]:
                raise
            note(str(error))
        else:
            for text in (plan.note, _told(plan, expected)):
                if text:
                    note(text)
            return expected, splits
    raise DatasetUnavailable("no dataset can be had")  # make_plans returns one or raises


def load_splits(plan: Plan, given: Any, root: Path | None, note: Note) -> Splits:
    """Build the plan's dataset, or take the one given as an object.

    Files are decoded once, into a cache, where the dataset can tell when they change and the plan
    does not forbid it.

    Args:
        plan: names the dataset and its options.
        given: the dataset, where it is an object.
        root: the folder handed to datasets; None: the zoo's own.
        note: told why files are not cached.

    Raises:
        InvalidOption: options that arrays and torch datasets do not have.
        ZooError: the dataset's builder raised or returned something else than Splits.
    """
    if "dataset" not in plan.entries:
        return as_splits(given)
    entry = plan.entries["dataset"]
    splits = build(entry, root=root or data_dir(), **plan.options("dataset"))
    if not isinstance(splits, Splits):
        raise ZooError(f"{entry.name} built a {type(splits).__name__}, not zoo_registry.Splits")
    if plan.settings.get("cache") == "none":
        return splits
    test = None if splits.test is None else cached(splits.test, note=note)
    return replace(splits, train=cached(splits.train, note=note), test=test)


def _as_expected(plan: Plan) -> Plan:
    """Give the dataset what the model expects of its samples, where nobody said otherwise."""
    model, dataset = plan.entries.get("model"), plan.entries.get("dataset")
    if model is None or dataset is None:
        return plan
    spec = model.spec
    assert isinstance(spec, ModelSpec)
    if not spec.expects or _is_stored(plan):
        return plan
    expected = resolve(spec.expects)(**spec.arguments, **plan.options("model"))
    if not isinstance(expected, dict):
        raise SpecError(f"{spec.expects} of {model.name} returned {expected!r}, not a dict")
    signature = options_of(dataset.spec)
    open_ = {option.name for option in signature.options} - plan.options("dataset").keys()
    fitting = {name: value for name, value in expected.items() if name in open_}
    required = plan.options("dataset") | fitting
    checked = check_options(dataset.name, "dataset", signature, required)
    dotted = {f"dataset.{name}": checked[name] for name in fitting}
    return Plan({**plan.settings, **dotted}, plan.entries, plan.note)


def _is_stored(plan: Plan) -> bool:
    """Tell whether a run stored this recipe: it leaves nothing open, and says what to do again.

    In it the model's sizes are those of the data, no wishes that the data should follow.
    """
    model = plan.entries["model"]
    sizes = {f"model.{o.name}" for o in options_of(model.spec).options if o.name in FILLED}
    return plan.settings.keys() >= {"loss", "monitor", "workers"} | sizes


def _told(plan: Plan, expected: Plan) -> str:
    """Say what the dataset got from the model."""
    before, after = plan.options("dataset"), expected.options("dataset")
    shown = ", ".join(f"{name}={_short(after[name])}" for name in sorted(after.keys() - before))
    if not shown:
        return ""
    return f"{plan.settings['model']} expects its samples with {shown} (dataset.*)"


def _short(value: Any) -> str:
    if isinstance(value, tuple | list):
        return "(" + ", ".join(map(_short, value)) + ")"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
