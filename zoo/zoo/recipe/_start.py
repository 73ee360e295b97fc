"""What a training starts from: the weights of a run or of a file, named so that they stay the same.

A path and a run's name may come to mean other weights; the digest beside them tells.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .._weight_files import SAFETENSORS, TORCH, weight_file
from ..home import runs_dir, user_path
from ..hub import SIGN, parse_place
from ..runs import FoundWeights, find_run, find_weights
from ._recipe import check_field

_RECORD = "run.json"


def with_digest(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings whose `weights`, where they name any, are found, and come with a digest.

    Where a digest is given, as in the recipe of a run, nothing is looked up: a training that goes
    on no longer needs what it started from.

    Raises:
        UsageError: there is no such run or file.
        CorruptWeights: the run's files are not what it stored.
    """
    source = settings.get("weights") or ""
    if not check_field("weights", source) or "weights_sha256" in settings:
        return dict(settings)
    found = find_start(source)
    with found.path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return {**settings, "weights": _name(source, found.path), "weights_sha256": digest}


def find_start(weights: str) -> FoundWeights:
    """Find the weights that a recipe names: a run's, or a file's.

    Raises:
        UsageError, CorruptWeights: as `with_digest`.
    """
    if weights.startswith(SIGN):
        return find_weights(weights)
    path = user_path(weights)
    if path.is_file() or _is_file_name(path):
        return FoundWeights(weight_file(path), verified=False)
    return find_weights(weights)


def parent_of(weights: str) -> str | None:
    """Return the name of the run whose weights they are; None where they are no run's."""
    path = Path(weights)
    if weights.startswith(SIGN):
        return None
    if not path.is_absolute():
        return weights or None
    folder = path.parent if _is_file_name(path) else path
    return folder.name if (folder / _RECORD).is_file() else None


def _name(source: str, file: Path) -> str:
    """Name weights for a recipe: a run of this home by its name, all else by its path."""
    if source.startswith(SIGN):  # by its commit, which a branch will not always mean
        return f"{SIGN}{parse_place(source).repo}@{file.parent.name}"
    path = user_path(source)
    if path.is_file():
        return str(path.resolve())
    run = find_run(source)
    return run.name if run.path.parent == runs_dir() else str(file.parent)


def _is_file_name(path: Path) -> bool:
    return path.suffix in (SAFETENSORS, *TORCH)
