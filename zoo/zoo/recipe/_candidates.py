"""Which of a model's own datasets can be trained on now."""

from pathlib import Path

from zoo_registry import (
    AmbiguousName,
    DatasetSpec,
    DatasetUnavailable,
    Entry,
    ModelSpec,
    Registry,
    UnknownName,
    UsageError,
)

from ..network import why_unreachable
from ._recipe import OBJECT


def candidates(model: str, registry: Registry, root: Path) -> list[tuple[str, str]]:
    """Name the model's datasets that are here or can be had, the best first.

    Args:
        model: its name, or the name of an object.
        registry: the installed plugins.
        root: the folder handed to datasets.

    Returns:
        Qualified names, each with the line that says why it is not the model's first; empty
        where it is.

    Raises:
        UsageError: the model names no dataset.
        DatasetUnavailable: none of them can be had.
    """
    entry = None if model.startswith(OBJECT) else registry.find("model", model)
    if entry is None or not isinstance(entry.spec, ModelSpec) or not entry.spec.datasets:
        offered = ", ".join(found.spec.name for found in registry.select(kind="dataset"))
        raise UsageError(
            f"{model} names no dataset of its own; choose one with --dataset: {offered}"
        )
    found: list[tuple[str, str]] = []
    missing: list[str] = []
    for name in entry.spec.datasets:
        try:
            dataset = registry.find("dataset", name, entry.plugin)
        except UnknownName:
            missing.append(f"{name} is offered by no installed plugin")
            continue
        except AmbiguousName as error:
            missing.append(str(error).rstrip("."))
            continue
        if reason := _absence(dataset, root):
            missing.append(f"{name} {reason}")
        else:
            note = f"training on {name}: {'; '.join(missing)}" if missing else ""
            found.append((dataset.name, note))
    if not found:
        raise DatasetUnavailable(
            f"no dataset of {model} can be had: {'; '.join(missing)}. Give one with --dataset, "
            "or the folder where its files are with --data-dir"
        )
    return found


def _absence(entry: Entry, root: Path) -> str:
    """Say why a dataset can't be used now; empty where it can."""
    assert isinstance(entry.spec, DatasetSpec)
    if all((root / file).exists() for file in entry.spec.files):
        return ""
    cause = why_unreachable(entry.spec.urls)
    return cause and f"is not in {root} and can't be downloaded ({cause})"
