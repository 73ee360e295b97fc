"""Checkpoints on disk: folders that appear whole, each with a manifest of what is in it.

checkpoints/step-00001200/        or step-00001200-end, once its epoch has been measured
model.safetensors   the weights of that step, portable
state.safetensors   all other tensors
state.json          all other values
manifest.json       sizes and sha256 of the three; written last
"""

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from .._digests import facts_of, fault_in
from .._files import SavedFile, fill, write_folder
from .._sealed import seal, unseal
from ..errors import CorruptCheckpoint, CorruptWeights
from ..weights import read_state_dict, write_tensors
from ._tree import join_tree, split_tree

FOLDER = "checkpoints"
MODEL = "model.safetensors"
_TENSORS = "state.safetensors"
_VALUES = "state.json"
_MANIFEST = "manifest.json"
_NAME = re.compile(r"step-([0-9]{8,})(-end)?")


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint whose files are those that were written."""

    path: Path
    step: int
    """Optimizer steps done."""
    model: Mapping[str, Tensor]
    """The weights, under the bare model's names, on the CPU."""
    state: Any
    """All else; see `write_checkpoint`."""


def write_checkpoint(
    run: Path,
    step: int,
    model: Mapping[str, Tensor],
    state: Any,
    *,
    ended: bool,
) -> Path:
    """Store a checkpoint in the folder of a run, unless it is there.

    Args:
        run: the run's folder.
        step: optimizer steps done.
        ended: whether its epoch has been measured, and nothing of the next is done.
        model: the weights, under the bare model's names, on the CPU.
        state: a tree of tensors and plain values; see `split_tree`.

    Returns:
        The checkpoint's folder.

    Raises:
        StorageError: it can't be written; those there are stay as they are.
        UsageError: part of the state can't be stored; the text names it.
    """
    path = run / FOLDER / f"step-{step:08d}{'-end' if ended else ''}"
    if path.exists():  # a training that was resumed came by once more; it is the same to the bit
        with suppress(CorruptCheckpoint):
            verify_checkpoint(path)
            return path
        remove_checkpoint(path)
    values, tensors = split_tree(state)

    def manifest(files: list[SavedFile]) -> str:
        return seal({"step": step, "files": {file.path.name: facts_of(file) for file in files}})

    files = {
        MODEL: lambda file: write_tensors(file, model),
        _TENSORS: lambda file: write_tensors(file, tensors),
        _VALUES: lambda file: fill(file, json.dumps(values, allow_nan=False)),
    }
    write_folder(path, files, (_MANIFEST, manifest))
    return path


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint, once its files are known to be those that were written.

    Raises:
        CorruptCheckpoint: a file is missing or altered; the text says which.
    """
    with _damage_is_said(path):
        record = _verified(path)
        values = json.loads((path / _VALUES).read_bytes())
        model, tensors = (read_state_dict(path / n, verified=True) for n in (MODEL, _TENSORS))
        return Checkpoint(path, record["step"], model, join_tree(values, tensors))


def verify_checkpoint(path: Path) -> None:
    """Compare the files of a checkpoint with those that were written.

    Raises:
        CorruptCheckpoint: a file is missing or altered; the text says which.
    """
    with _damage_is_said(path):
        _verified(path)


def checkpoints(run: Path) -> list[Path]:
    """Return the checkpoints of a run, the one with most steps first, whatever they hold."""
    folder = run / FOLDER
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    found = [match for name in names if (match := _NAME.fullmatch(name))]
    # The step counts, not the time: a clock may be set back.
    found.sort(key=lambda match: (int(match[1]), match[2] or ""), reverse=True)
    return [folder / match[0] for match in found]


def prune(run: Path, keep: int, written: Path) -> None:
    """Remove all but the newest checkpoints, once the one just written is known to be sound.

    Raises:
        CorruptCheckpoint: it is not; none is removed.
    """
    old = [path for path in checkpoints(run)[keep:] if path != written]
    if old:
        verify_checkpoint(written)
    for path in old:
        remove_checkpoint(path)


def remove_checkpoint(path: Path) -> None:
    """Remove a checkpoint; a kill on the way leaves none that is half there."""
    # Without its manifest it is none any more, whatever else is left of it.
    with suppress(OSError):
        (path / _MANIFEST).unlink()
    shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _damage_is_said(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, CorruptWeights) as error:
        raise CorruptCheckpoint(f"{path} is not what was stored: {error}") from error


def _verified(path: Path) -> dict[str, Any]:
    """Return the manifest, with which the other files agree."""
    record = unseal((path / _MANIFEST).read_bytes())
    for name in (MODEL, _TENSORS, _VALUES):
        _check(path / name, record["files"].get(name))
    return record


def _check(file: Path, facts: Any) -> None:
    """Compare a file with what the manifest says of it.

    Raises:
        ValueError: it has other bytes.
        OSError: it can't be read.
    """
    with file.open("rb") as stream:
        if fault := fault_in(stream, facts):
            raise ValueError(f"{file.name}: {fault}")
