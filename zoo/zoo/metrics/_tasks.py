"""The metrics of each task, by name: torch is not needed to know them."""

from zoo_registry import UsageError

TOP_K = 5
"""The k of the second accuracy; it says something only where there are more classes than k."""

_NAMES = {
    "classification": ("loss", "accuracy", "top5"),
    "multilabel": ("loss", "f1", "f1_macro", "exact_match"),
    "regression": ("loss", "mae", "rmse", "r2"),
}
_MONITORS = {"classification": "accuracy", "multilabel": "f1", "regression": "rmse"}
_LOWER_IS_BETTER = {"loss", "mae", "rmse"}


def require_task(task: str) -> None:
    """Check that there is such a task.

    Raises:
        UsageError: there is not; the text names those there are.
    """
    if task not in _NAMES:
        raise UsageError(f"no task named {task!r}; there are: {', '.join(_NAMES)}")


def names(task: str, num_classes: int | None = None) -> tuple[str, ...]:
    """Return the names of a task's metrics, in the order a meter computes them.

    Args:
        task: `classification`, `multilabel` or `regression`.
        num_classes: None gives all; with 5 classes or fewer there is no `top5`.

    Raises:
        UsageError: there is no such task.
    """
    require_task(task)
    if num_classes is not None and num_classes <= TOP_K:
        return tuple(name for name in _NAMES[task] if name != "top5")
    return _NAMES[task]


def default_monitor(task: str) -> str:
    """Return the metric that chooses the best epoch where the user names none.

    Raises:
        UsageError: there is no such task.
    """
    require_task(task)
    return _MONITORS[task]


def direction(name: str) -> str:
    """Return `"min"` or `"max"`: which values of a metric are better.

    Raises:
        UsageError: no task has such a metric.
    """
    known = {name: None for names in _NAMES.values() for name in names}
    if name not in known:
        raise UsageError(f"no metric named {name!r}; there are: {', '.join(known)}")
    return "min" if name in _LOWER_IS_BETTER else "max"
