"""The head of a card, which hubs search by; and what of a card is its users' own.

A card is written anew by each push. Users may add prose below a line that says so, and keys to the
head: both stay.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import yaml

from ._subject import Subject

MARK = "<!-- What stands below this line is yours: zoo push keeps it. -->"
_FENCE = "---"
_LONGEST = 1_000_000
"""Bytes of a card that is read."""

OWN_KEYS = ("library_name", "model-index", "model_name", "pipeline_tag", "tags")
"""Keys of the head that each push writes anew; of the tags, those of users stay."""


class Kept(NamedTuple):
    """What a push keeps of the card that is there."""

    head: Mapping[str, Any]
    """Keys that users have set."""
    prose: str


def kept_of(data: bytes) -> Kept:
    """Return what users have written into a card; all of it, where zoo did not write it."""
    text = data[:_LONGEST].decode("utf-8", errors="replace").replace("\r\n", "\n")
    head, body = _parted(text)
    _, mark, prose = body.partition(MARK)
    return Kept(head, (prose if mark else body).strip())


def tags_of(subject: Subject) -> list[str]:
    """Return the tags that a card has of itself."""
    tags = ["zoo", subject.bare_name, str(subject.card.get("task", ""))]
    return [tag for tag in dict.fromkeys(tags) if tag]


def head_of(subject: Subject, kept: Mapping[str, Any], library: str) -> str:
    """Return the head as YAML, with the fences around it.

    Args:
        subject: the run.
        kept: keys that users have set.
        library: that loads it.
    """
    shown = {key: value for key, value in kept.items() if key not in OWN_KEYS}
    old = kept.get("tags")
    tags = [*tags_of(subject), *(str(tag) for tag in (old if isinstance(old, list) else ()))]
    data: dict[str, Any] = {
        "library_name": library,
        "pipeline_tag": pipeline_of(subject),
        "tags": list(dict.fromkeys(tags)),
        **shown,
    }
    if results := _results(subject):
        data["model-index"] = [{"name": subject.run.name, "results": results}]
    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
    return f"{_FENCE}\n{text}{_FENCE}\n"


def _results(subject: Subject) -> list[dict[str, Any]]:
    """Return the metrics as a model-index has them; none where none was measured."""
    dataset = _slug(str(subject.card.get("dataset", "")))
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


def pipeline_of(subject: Subject) -> str:
    """Return what hubs call the task."""
    shape = (subject.card.get("input") or {}).get("shape") or ()
    kind = "image" if len(shape) == 3 else "tabular"
    if subject.card.get("task") == "regression":
        return "tabular-regression" if kind == "tabular" else "image-feature-extraction"
    return f"{kind}-classification"


def _slug(name: str) -> str:
    """Return a dataset's name as hubs know names: without its plugin, and without a path."""
    bare = name.rpartition(":")[2].rpartition("/")[2]
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in bare) or "unknown"


def _parted(text: str) -> tuple[dict[str, Any], str]:
    """Return the head and the body of a card."""
    lines = text.split("\n")
    if lines[0].strip() != _FENCE or _FENCE not in (rest := [line.strip() for line in lines[1:]]):
        return {}, text
    end = rest.index(_FENCE) + 1
    try:
        head = yaml.safe_load("\n".join(lines[1:end]))
    except (yaml.YAMLError, RecursionError):
        head = None
    known = head if isinstance(head, dict) else {}
    return {str(key): value for key, value in known.items()}, "\n".join(lines[end + 1 :])
