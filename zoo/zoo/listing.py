"""What is installed and what was trained, by name. No plugin's code and no torch is imported."""

from ._registry import registry
from .runs import Run
from .runs import list_runs as _list_runs


def list_models(*patterns: str) -> list[str]:
    """Return the qualified names of the models that match any of `patterns`; none: all.

    Patterns are shell wildcards over the bare or the qualified name.
    """
    return _names("model", patterns)


def list_datasets(*patterns: str) -> list[str]:
    """Return the qualified names of datasets; see `list_models`."""
    return _names("dataset", patterns)


def list_optimizers(*patterns: str) -> list[str]:
    """Return the qualified names of optimizers; see `list_models`."""
    return _names("optimizer", patterns)


def list_runs() -> list[Run]:
    """Return the runs under `ZOO_HOME`, the newest first."""
    return _list_runs()


def _names(kind: str, patterns: tuple[str, ...]) -> list[str]:
    return [entry.name for entry in registry().select(*patterns, kind=kind)]
