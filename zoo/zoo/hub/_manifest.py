"""`manifest.json`: the files that were pushed together, each with its size and digest."""

from collections.abc import Mapping
from typing import Any

from .._sealed import seal, unseal
from ..errors import CorruptWeights

MANIFEST = "manifest.json"
README = "README.md"
CONFIG = "config.json"
WEIGHTS = "model.safetensors"
TORCH_WEIGHTS = "model.pth"
RECIPE = "recipe.toml"
METRICS = "metrics.jsonl"
CURVES = "curves.png"

KNOWN = (WEIGHTS, CONFIG, RECIPE, METRICS, README, CURVES, TORCH_WEIGHTS)
"""All that is ever sent, besides the manifest itself."""
PULLED = (CONFIG, RECIPE, METRICS, README, CURVES, WEIGHTS)
"""What is fetched of it: what could hold a pickle stays where it is."""
_FORMAT = 1


def write_manifest(run: str, zoo_version: str, files: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the manifest of a run's files, sealed.

    Args:
        run: its name.
        zoo_version: that trained it.
        files: by name `sha256` and `bytes`, as `run.json` has them.
    """
    return seal({"format": _FORMAT, "zoo_version": zoo_version, "run": run, "files": dict(files)})


def read_manifest(data: bytes) -> dict[str, dict[str, Any]]:
    """Return the files that a manifest lists.

    Raises:
        CorruptWeights: it is none of zoo's, was altered, or names other files than are ever sent.
    """
    try:
        return _files_of(unseal(data))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CorruptWeights(
            f"{MANIFEST} is not what zoo wrote: {error}. Push the run again from where it is whole"
        ) from error


def _files_of(found: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    if found["format"] != _FORMAT:
        raise ValueError(f"its format is {found['format']!r}; this zoo reads {_FORMAT}")
    files: dict[str, dict[str, Any]] = found["files"]
    if strange := [name for name in files if name not in KNOWN]:
        raise ValueError(f"it lists {strange[0]!r}, which zoo never sends")
    for facts in files.values():
        if not (isinstance(facts["sha256"], str) and type(facts["bytes"]) is int):
            raise ValueError("it lists a file without a digest")
    return files
