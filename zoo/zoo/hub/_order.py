"""What is to be pushed where, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from zoo_registry import InvalidOption, Registry, UsageError

from ._manifest import METRICS, RECIPE, TORCH_WEIGHTS, WEIGHTS
from ._paths import places_told
from ._place import Place
from ._subject import Subject, subject_of


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be pushed where."""

    source: str
    """A run's name, its folder, or @alias."""
    place: Place
    private: bool | None = None
    """None: a new repository is private, one that is there stays as it is."""
    message: str = ""
    with_pth: bool = False


@dataclass(frozen=True, kw_only=True)
class Pushed:
    """What a push came to."""

    run: str
    repo: str
    revision: str
    commit: str
    """The commit that the branch is at now."""
    changed: bool
    """Whether a commit was made; False where all was there already."""
    private: bool
    files: Mapping[str, int]
    """Sizes in bytes, by name."""
    notes: tuple[str, ...] = ()


def plan_push(order: Order, registry: Registry) -> tuple[Subject, dict[str, int]]:
    """Return the run, and the sizes of its files that a push sends as they are.

    Raises:
        UsageError: no run that can be pushed, or without the file asked for.
    """
    if order.place.is_pinned:
        raise InvalidOption("--revision takes a branch to push to, not a commit")
    subject = subject_of(order.source, registry)
    wanted = [WEIGHTS, RECIPE, METRICS, *([TORCH_WEIGHTS] if order.with_pth else [])]
    recorded = subject.run.record["files"]
    missing = [name for name in wanted if name not in recorded]
    if missing and missing != [METRICS]:  # a run that was stopped in its first epoch has none
        raise UsageError(
            f"the run {subject.run.name} has recorded no {missing[0]}; `zoo runs show "
            f"{subject.run.name}` shows what it has"
        )
    return subject, {name: recorded[name]["bytes"] for name in wanted if name in recorded}


def notes_of(subject: Subject) -> tuple[str, ...]:
    """Return what whoever pushes a run should know of it, a line each."""
    run, notes = subject.run, [places_told(subject)]
    if run.state != "done":
        notes.append(f"the training of {run.name} is {run.state}: the weights are those so far")
    return tuple(filter(None, notes))
