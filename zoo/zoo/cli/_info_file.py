"""`zoo info FILE.safetensors`: what a weights file says of itself, without torch."""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from zoo._printable import printable
from zoo._provenance import why_not_offered
from zoo._registry import registry
from zoo._weight_files import CARD, SAFETENSORS, TORCH, FileFacts, graph_refusal, inspect_file
from zoo.home import user_path
from zoo.hub import SIGN
from zoo.reporting import print_json
from zoo.runs import find_run, find_weights
from zoo_registry import UnknownName, ZooError

_LONGEST = 200
"""Characters of a name that is looked up: a stranger's may have millions."""
_LINE = 500
"""Characters that are shown of anything."""


def is_file_name(name: str) -> bool:
    """Say whether a name is that of a weights file, and of no component."""
    return name.startswith(SIGN) or Path(name).suffix in (SAFETENSORS, *TORCH)


def show_file(name: str, *, as_json: bool) -> None:
    """Print what a file holds and which model it is for, once its digest was checked."""
    found = find_weights(name) if name.startswith(SIGN) else None
    facts = inspect_file(found.path if found else user_path(name))
    card = _card((found and found.metadata) or facts.header.metadata)
    missing = _missing(facts.path, card)
    if as_json:
        print_json({**_described(facts), "card": card, "missing_plugin": missing or None}, indent=2)
        return
    for key, value in _lines(facts, card).items():
        if value:
            click.echo(f"{key:<13} {_line(value)}")
    if missing:
        click.echo(printable(f"\n{missing}"))


def told_otherwise(name: str) -> str:
    """Say what a name is that is neither a component's nor a weights file's; empty: nothing."""
    with suppress(ZooError):
        return f"{find_run(name).name} is a run; `zoo runs show {name}` shows it"
    path = Path(name)
    return graph_refusal(path) if os.path.isfile(path) else ""  # noqa: PTH113 - too long a name


def _described(facts: FileFacts) -> dict[str, Any]:
    return {
        "file": str(facts.path),
        "bytes": facts.size,
        "verified": facts.verified,
        "values": facts.elements,
        "tensors": {
            name: {"dtype": extent.dtype, "shape": list(extent.shape)}
            for name, extent in facts.header.tensors.items()
        },
        "metadata": {k: v for k, v in facts.header.metadata.items() if k != CARD},
    }


def _card(metadata: Mapping[str, str]) -> dict[str, Any] | None:
    """Return the card; None where there is none, as in other programs' files."""
    try:
        card = json.loads(metadata.get(CARD, "null"))
    except (ValueError, RecursionError):
        return None
    return card if isinstance(card, dict) else None


def why_not_usable(weights: Path, metadata: Mapping[str, str]) -> str:
    """Say what to install for weights, as far as they say what they are of; empty: nothing."""
    return _missing(weights, _card(metadata))


def _missing(path: Path, card: dict[str, Any] | None) -> str:
    """Say what to install, where the model's plugin can't be used; empty where it can."""
    if card is None or str(card.get("model", "")).startswith("object:"):
        return ""
    model, distribution, version = (
        str(card.get(key, ""))[:_LONGEST] for key in ("model", "distribution", "version")
    )
    try:
        registry().find("model", model)
    except UnknownName as error:
        return why_not_offered(path, model, distribution, version, error)
    return ""


def _lines(facts: FileFacts, card: dict[str, Any] | None) -> dict[str, str]:
    dtypes = ", ".join(f"{count} {dtype}" for dtype, count in facts.dtypes.items())
    lines = {
        "file": f"{facts.path}, {facts.size:,} bytes",
        "digest": "holds" if facts.verified else "none: not written by zoo",
        "tensors": f"{dtypes or 'none'}; {facts.elements:,} values",
    }
    if card is None:
        return {**lines, "model": "it does not say; zoo convert FILE -o OUT --model NAME tells it"}
    options = card.get("options")
    return {
        **lines,
        "model": f"{card.get('model')} ({card.get('distribution')} {card.get('version')})",
        "options": _pairs(options),
        "task": str(card.get("task", "")),
        "input": _pairs(card.get("input")),
        "classes": _classes(card),
        "dataset": str(card.get("dataset", "")),
        "metrics": _pairs(card.get("metrics")),
    }


def _line(text: str) -> str:
    """Put on one line what a stranger's file may hold in any length and form."""
    shown = text if len(text) <= _LINE else f"{text[:_LINE]}…"
    return printable(shown.replace("\n", " "))


def _pairs(value: Any) -> str:
    if not isinstance(value, dict):
        return ""
    shown = (f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in value.items())
    return ", ".join(shown)


def _classes(card: dict[str, Any]) -> str:
    number, names = card.get("num_classes"), card.get("classes")
    if not isinstance(names, list) or not names:
        return str(number or "")
    more = ", …" if len(names) > 8 else ""
    return f"{number}: {', '.join(map(str, names[:8]))}{more}"
