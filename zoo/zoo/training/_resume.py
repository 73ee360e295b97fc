"""Going on with a run: from which checkpoint, and whether it still is the same training."""

import json
from collections.abc import Callable
from typing import Any

import torch

from zoo_registry import InvalidData

from .._json import to_json
from ..card import read_card
from ..checkpoints import (
    FOLDER,
    Checkpoint,
    checkpoints,
    read_checkpoint,
    remove_checkpoint,
)
from ..errors import CorruptCheckpoint, CorruptWeights, UsageError
from ..runs import Run, RunWriter, verify_files
from ..weights import read_metadata, read_state_dict, restore_tensors, save_weights
from ._job import Job

MAY_DIFFER = ("device", "parallel", "ranks", "workers")
"""Fields of a recipe that say how a run is computed, not what: it may go on with others."""

Note = Callable[[str], None]


def newest_checkpoint(run: Run, note: Note) -> Checkpoint | None:
    """Return the newest checkpoint that is what was stored; None: there is none at all.

    Args:
        run: the run.
        note: told of each that is damaged, where one before it is not.

    Raises:
        CorruptCheckpoint: all of them are damaged.
    """
    damaged: list[CorruptCheckpoint] = []
    for path in checkpoints(run.path):
        try:
            found = read_checkpoint(path)
        except CorruptCheckpoint as error:
            damaged.append(error)
        else:
            for fault in damaged:
                note(f"{fault}; going back to the one before")
            return found
    if damaged:
        # Starting over would overwrite the best weights of what may have been a long training.
        raise CorruptCheckpoint(
            f"no checkpoint of {run.name} is what was stored: {damaged[0]}. Train it again as "
            f"another run with `zoo train {run.path}/recipe.toml`; or delete {run.path}/{FOLDER}, "
            f"and `zoo resume {run.name}` starts it over"
        )
    return None


def discard_newer(run: Run, checkpoint: Checkpoint | None) -> None:
    """Remove the damaged checkpoints after the one that a run goes on from.

    To be called once no other process can go on with the run: what that stores has their names.
    """
    for path in checkpoints(run.path):
        if checkpoint is None or path == checkpoint.path:
            return
        remove_checkpoint(path)


def restore_model(job: Job, checkpoint: Checkpoint | None) -> None:
    """Give the model the weights of a checkpoint, where there is one; every rank does.

    Raises:
        UsageError: it is another model.
    """
    if checkpoint is None:
        return
    try:
        restore_tensors(job.model, checkpoint.model, job.strategy.share)
    except ValueError as error:
        raise UsageError(f"{checkpoint.path} can't be gone on from: {error}") from error


def check_same(job: Job, run: Run, note: Note) -> None:
    """Refuse to go on with other settings or other data than those that a run began with.

    Args:
        job: prepared from the run's recipe.
        run: the run.
        note: told what may change the last digits: another version, another number of threads.

    Raises:
        UsageError: the recipe would be another one.
        InvalidData: the data have changed.
    """
    recipe = json.loads(to_json(job.recipe.to_dict()))
    recorded = json.loads(to_json(run.recipe))
    differing = [
        key for key in recorded if key not in MAY_DIFFER and recorded[key] != recipe.get(key)
    ]
    if differing:
        told = ", ".join(f"{k}: {recorded[k]!r}, now {recipe.get(k)!r}" for k in differing)
        raise UsageError(
            f"{run.name} can't go on as it began ({told}); train it anew: zoo train "
            f"{run.path}/recipe.toml"
        )
    if job.facts.fingerprint != run.record["data"]["fingerprint"]:
        raise InvalidData(
            f"the data of {run.name} have changed since it began, so that it can't go on; train "
            "it anew, or give the folder where they are with --data-dir"
        )
    for text in _novelties(job, run):
        note(f"{text}: the run goes on, but its last digits may differ from one never stopped")


def _novelties(job: Job, run: Run) -> list[str]:
    """Say what is another here than where the run began."""
    now: dict[str, Any] = {"threads": torch.get_num_threads(), "device": job.recipe.device}
    then: dict[str, Any] = {"threads": run.record["threads"], "device": run.recipe["device"]}
    for plugin in {entry.plugin.name: entry.plugin for entry in job.entries.values()}.values():
        now[plugin.distribution] = plugin.version
    then |= {plugin["distribution"]: plugin["version"] for plugin in run.record["plugins"]}
    now["torch"], then["torch"] = torch.__version__, run.record["versions"]["torch"]
    return [
        f"{name} was {then[name]} and is {value}"
        for name, value in now.items()
        if then.get(name) not in (None, value)
    ]


def mend_weights(writer: RunWriter, epoch: int) -> None:
    """Make the two weight files and their record agree again, where a kill came between them.

    The safetensors file, which is whole and says so itself, is what the others are made to follow.

    Args:
        writer: of a run that goes on.
        epoch: the one that was measured when the kill came.

    Raises:
        CorruptWeights: it is not what was stored; the run's best weights are lost.
    """
    run = writer.run
    if not run.weights.exists():
        return
    try:
        verify_files(run)
    except CorruptWeights:
        state = read_state_dict(run.weights)
        metadata = read_metadata(run.weights)
        writer.add_file(save_weights(state, run.weights, metadata=metadata))
        writer.add_file(save_weights(state, run.weights.with_suffix(".pth")))
        writer.update(best_epoch=epoch, metrics=read_card(metadata, run.weights).metrics)
