"""The head of a card, which hubs search by."""

from typing import Any

import yaml

from ._kept import FENCE, Kept
from ._subject import Subject

_OTHER = "other"
"""What hubs call a task that they have no name for."""


def tags_of(subject: Subject) -> list[str]:
    """Return the tags that a card has of itself."""
    tags = ["zoo", subject.bare_name, str(subject.card.get("task", ""))]
    return [tag for tag in dict.fromkeys(tags) if tag]


def head_of(subject: Subject, kept: Kept, library: str) -> str:
    """Return the head as YAML, with the fences around it.

    Args:
        subject: the run.
        kept: what users have written into the card that is there.
        library: that loads it.
    """
    data: dict[str, Any] = {"library_name": library}
    if (pipeline := pipeline_of(subject)) != _OTHER:
        data["pipeline_tag"] = pipeline
    data["tags"] = list(dict.fromkeys([*tags_of(subject), *kept.tags]))
    parts = [_yaml(data), f"{kept.head}\n" if kept.head else ""]
    if results := _results(subject):
        parts.append(_yaml({"model-index": [{"name": subject.run.name, "results": results}]}))
    return f"{FENCE}\n{''.join(parts)}{FENCE}\n"


def pipeline_of(subject: Subject) -> str:
    """Return what hubs call the task."""
    kinds = {1: "tabular", 3: "image"}
    kind = kinds.get(len((subject.card.get("input") or {}).get("shape") or ()))
    if kind is None:
        return _OTHER
    if subject.card.get("task") == "regression":
        return "tabular-regression" if kind == "tabular" else _OTHER
    return f"{kind}-classification"


def _yaml(data: dict[str, Any]) -> str:
    text: str = yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
    return text


def _results(subject: Subject) -> list[dict[str, Any]]:
    """Return the metrics as a model-index has them; none where none was measured."""
    dataset = subject.dataset.rpartition("/")[2]
    metrics = [
        {"type": name, "name": name, "value": value} for name, value in subject.metrics.items()
    ]
    if not metrics:
        return []
    return [
        {
            "task": {"type": pipeline_of(subject)},
            "dataset": {"type": dataset, "name": dataset, "split": subject.split},
            "metrics": metrics,
        }
    ]
