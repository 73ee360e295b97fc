"""Going on with a run: who may, and what its record then says of what went before."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import CorruptWeights, UsageError
from ._aliases import aliases_of
from ._machine import is_elsewhere, machine_facts, this_process
from ._run import METRICS, RECORD, Run
from ._when import now, of_file, seconds_between

_OF_THE_END = ("ended", "seconds", "error")
"""Entries that say how a stretch ended."""


def require_resumable(run: Run, *, force: bool) -> None:
    """Check that a process may go on with a run.

    Raises:
        UsageError: it is done, or being trained, or an alias holds it.
        CorruptWeights: its record is damaged.
    """
    if run.state == "damaged":
        raise CorruptWeights(f"{run.path} can't be gone on with: {run.reason}.")
    if run.state == "done":
        raise UsageError(
            f"the run {run.name} is done: all its epochs were trained. For more of them, train "
            "its recipe.toml again with another `--epochs`."
        )
    if run.state == "running" and not force:
        raise being_trained(run)
    if aliases := aliases_of(run):
        raise UsageError(
            f"the run {run.name} is held by {', '.join(aliases)}, so its weights are to stay as "
            f"they are; `zoo runs untag {aliases[0]}` lets go of it."
        )


def require_unchanged(run: Run, before: Run) -> None:
    """Check that nobody has gone on with a run since it was read: its checkpoints are others now.

    Raises:
        UsageError: somebody has.
    """
    if len(run.record["stretches"]) > len(before.record.get("stretches", [])):
        raise UsageError(
            f"another process has gone on with the run {run.name} meanwhile, and ended; "
            f"`zoo resume {run.name}` once more goes on from there."
        )


def being_trained(run: Run) -> UsageError:
    """Return the error for a run that another process may be at work on."""
    process = run.record["process"]
    if is_elsewhere(process):
        return UsageError(
            f"the run {run.name} is recorded as being trained on another machine. If it is not, "
            "say so with --force."
        )
    return UsageError(
        f"the run {run.name} is being trained by process {process.get('pid')}; stop that first."
    )


def continued(run: Run, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record of a run that this process goes on with.

    The stretch that ends is added to `stretches`, with those entries as they were that `record`
    or this machine changes. The run's `parent` stays.
    """
    old = run.record
    fresh = {**record, "process": this_process(), "machine": machine_facts()}
    fresh.pop("parent", None)
    kept = {key: value for key, value in old.items() if key not in _OF_THE_END}
    return {
        **kept,
        **fresh,
        "name": run.name,
        "state": "running",
        "began": now(),
        "stretches": [*old["stretches"], _stretch(run, fresh)],
        "files": {name: facts for name, facts in old["files"].items() if name != METRICS},
    }


def _stretch(run: Run, fresh: Mapping[str, Any]) -> dict[str, Any]:
    old = run.record
    changed = {key: old[key] for key in fresh if key in old and old[key] != fresh[key]}
    earlier = sum(stretch["seconds"] for stretch in old["stretches"])
    ended = old.get("ended") or _last_written(run.path)
    # One that was killed has recorded none.
    total = old.get("seconds", earlier + seconds_between(old["began"], ended))
    error = {"error": old["error"]} if "error" in old else {}
    return {
        "began": old["began"],
        "ended": ended,
        "state": run.state,
        "process": old["process"],
        "seconds": round(max(0.0, total - earlier), 3),
        **error,
        **changed,
    }


def _last_written(folder: Path) -> str:
    """Return when a run last stored something, which is all that is known of one killed."""
    files = (folder / RECORD, folder / METRICS)
    return of_file(max(file.stat().st_mtime for file in files if file.exists()))
