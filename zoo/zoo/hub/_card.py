"""The card: `README.md`, written from what the run recorded, and nothing else."""

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, metadata
from typing import Any

import tomli_w

from .._json import to_json
from ._config import TIMM, is_timms
from ._front import head_of, tags_of
from ._kept import MARK, Kept, note_of
from ._manifest import CURVES, TORCH_WEIGHTS, WEIGHTS
from ._markdown import blocks, code, fenced, plain, table
from ._paths import without_paths
from ._place import Place
from ._progress import in_words
from ._subject import Subject
from ._usage import usage

_MOST_CLASSES = 50
_LONGEST_TEXT, _LONGEST_RECIPE = 200, 20_000
"""Characters that are shown: a card must stay one that is read, by people and by the next push."""
_ANSWERS = {"multilabel": "labels", "regression": "values"}
"""What a task's outputs are, where they are no classes."""


def write_card(subject: Subject, place: Place, files: Mapping[str, int], kept: Kept) -> str:
    """Return the text of the card.

    Args:
        subject: the run.
        place: where it is pushed to.
        files: sizes of what is pushed along, in bytes.
        kept: what users have written into the card that is there.
    """
    sections = [
        _title(subject),
        _metrics(subject),
        f"![Learning curves]({CURVES})" if CURVES in files else "",
        "\n\n".join(filter(None, ("## Use", *usage(subject, place)))),
        _model(subject, files),
        _training(subject),
    ]
    own = "\n\n".join(filter(None, sections))
    note = note_of([*tags_of(subject), *blocks(own)])
    head = head_of(subject, kept, TIMM if is_timms(subject) else "zoo")
    return f"{head}\n{own}\n\n{note}\n{MARK}\n\n{kept.prose}".rstrip() + "\n"


def _title(subject: Subject) -> str:
    model = code(subject.bare_name if subject.is_own_module else subject.model)
    kind = ", a module of its author's own," if subject.is_own_module else ""
    data = f" on {code(subject.dataset)}" if subject.dataset else ""
    return f"# {subject.run.name}\n\n{model}{kind} trained{data} with zoo."


def _metrics(subject: Subject) -> str:
    record = subject.run.record
    rows = {plain(name): _number(value) for name, value in subject.metrics.items()}
    if not rows:
        return ""
    count = record.get("data", {}).get(subject.split)
    text = f"Measured on the {subject.split} split" + (f", {count:,} samples" if count else "")
    if epoch := record.get("best_epoch"):
        monitor = str(record.get("monitor", "")).partition(":")[0].removeprefix("train_")
        text += f", after epoch {epoch}, the one with the best {plain(monitor)} on the same split"
    return f"## Metrics\n\n{text}.\n\n{table(rows, '| metric | value |')}"


def _number(value: float) -> str:
    return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 1e6 else f"{value:.4g}"


def _model(subject: Subject, files: Mapping[str, int]) -> str:
    card, task = subject.card, str(subject.card.get("task", ""))
    weights = f"{in_words(files[WEIGHTS])} in `{WEIGHTS}`"
    if TORCH_WEIGHTS in files:
        weights += f", {in_words(files[TORCH_WEIGHTS])} in `{TORCH_WEIGHTS}`"
    source = " ".join(str(card.get(key, "")) for key in ("plugin", "distribution", "version"))
    rows = {
        "model": code(subject.bare_name if subject.is_own_module else subject.model),
        "plugin": plain(source),
        "options": _options(subject.options),
        "parameters": f"{subject.run.record.get('parameters', 0):,}",
        "weights": weights,
        "task": plain(task),
        "input": _options({key: v for key, v in (card.get("input") or {}).items() if v}),
        _ANSWERS.get(task, "classes"): _classes(card),
        "licence of the plugin": plain(_licence(str(card.get("distribution", "")))),
    }
    return "## Model\n\n" + table(rows)


def _training(subject: Subject) -> str:
    record = subject.run.record
    data, revision = record.get("data", {}), record.get("code") or {}
    counts = [f"{data[split]:,} {split}" for split in ("train", "test") if data.get(split)]
    changed = ", changed" if revision.get("dirty") else ""
    seconds = record.get("seconds")
    rows = {
        "dataset": ", ".join(filter(None, (code(subject.dataset), *counts))) + " samples",
        "fingerprint": code(str(data.get("fingerprint") or "")),
        "epochs": _epochs(subject),
        "time": f"{seconds:,.1f} s" if seconds else "",
        "versions": plain(", ".join(f"{k} {v}" for k, v in record.get("versions", {}).items())),
        "code": f"{code(str(revision['commit']))}{changed}" if revision else "",
        "started from": _start(subject),
    }
    recipe = _short(tomli_w.dumps(without_paths(dict(subject.run.recipe))).strip(), _LONGEST_RECIPE)
    return f"## Training\n\n{table(rows)}\n\n{fenced(recipe, 'toml')}"


def _epochs(subject: Subject) -> str:
    """Say how many there were, and why no more."""
    run, asked = subject.run, subject.run.recipe.get("epochs", 0)
    done = max((row["epoch"] for row in run.history), default=0)
    if run.record.get("stopped_early"):
        return f"{done} of {asked}: it no longer got better, and was stopped"
    if run.state == "done":
        return f"{done}"
    return f"{done} of {asked}: the training {'failed' if run.state == 'failed' else 'was stopped'}"


def _start(subject: Subject) -> str:
    """Say which weights the training began with, where they were given."""
    weights = str(subject.run.recipe.get("weights", ""))
    if not weights:
        return ""
    name = str(subject.run.record.get("parent") or without_paths(weights))
    return f"{code(name)}, sha256 {code(str(subject.run.recipe.get('weights_sha256', '')))}"


def _licence(distribution: str) -> str:
    try:
        found = metadata(distribution).json
    except (PackageNotFoundError, ValueError):
        return ""
    text = str(found.get("license_expression") or found.get("license") or "")
    return text if len(text) < 80 else ""


def _classes(card: Mapping[str, Any]) -> str:
    names = card.get("classes") or ()
    more = f", and {len(names) - _MOST_CLASSES} more" if len(names) > _MOST_CLASSES else ""
    shown = ", ".join(plain(_short(str(name))) for name in names[:_MOST_CLASSES])
    listed = f": {shown}{more}" if names else ""
    return f"{card['num_classes']}{listed}"


def _options(values: Mapping[str, Any]) -> str:
    shown = without_paths(dict(values)).items()
    return ", ".join(code(f"{key}={_short(to_json(value))}") for key, value in shown)


def _short(text: str, most: int = _LONGEST_TEXT) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
