"""In what two runs differ."""

from collections.abc import Mapping
from typing import Any

from ..errors import CorruptWeights
from ._run import WEIGHTS, Run

Difference = tuple[Any, Any]
"""What the first run has and what the second has; None where it has nothing."""


def diff_runs(a: Run, b: Run) -> dict[str, dict[str, Difference]]:
    """Compare two runs; return only what differs, section by section.

    Sections are `recipe`, `metrics`, `weights`, `data`, `plugins`, `code` and `environment`; what
    lies deeper is named with dots: `environment.versions.torch`.

    Raises:
        CorruptWeights: one of them is damaged.
    """
    for run in (a, b):
        if run.state == "damaged":
            raise CorruptWeights(f"{run.path} can't be compared: {run.reason}.")
    sections = {}
    ours, theirs = _sections(a), _sections(b)
    for name, section in ours.items():
        other = theirs[name]
        keys = list(dict.fromkeys([*section, *other]))
        differing = {
            key: (section.get(key), other.get(key))
            for key in keys
            if not _equal(section.get(key), other.get(key))
        }
        if differing:
            sections[name] = differing
    return sections


def _sections(run: Run) -> dict[str, dict[str, Any]]:
    record = run.record
    environment = {
        "zoo_version": record.get("zoo_version"),
        "versions": record.get("versions"),
        "machine": record.get("machine"),
        "threads": record.get("threads"),
        **(record.get("environment") or {}),
    }
    found = {
        "recipe": run.recipe,
        "metrics": run.metrics,
        "weights": {"sha256": record["files"].get(WEIGHTS, {}).get("sha256")},
        "data": record.get("data"),
        "plugins": _plugins(record.get("plugins")),
        "code": record.get("code"),
        "environment": environment,
    }
    return {name: dict(_flat(section or {})) for name, section in found.items()}


def _plugins(rows: Any) -> dict[str, str]:
    """Return each plugin's distribution and version by the plugin's name."""
    return {row["name"]: f"{row['distribution']} {row['version']}" for row in rows or []}


def _flat(table: Mapping[str, Any], before: str = "") -> list[tuple[str, Any]]:
    """Return the leaves of a table of tables, each with its dotted name."""
    leaves = []
    for key, value in table.items():
        if isinstance(value, Mapping):
            leaves += _flat(value, f"{before}{key}.")
        else:
            leaves.append((f"{before}{key}", value))
    return leaves


def _equal(a: Any, b: Any) -> bool:
    """Say whether two leaves are the same; true is not 1, though Python has it so."""
    return type(a) is type(b) and bool(a == b)
