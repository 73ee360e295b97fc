"""The promises of the training loop, tried one after another."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ._parts import prove_data_parallel, prove_parts
from ._proof import Proof
from ._ranks import prove_ranks
from ._subject import Note, Subject
from ._twice import prove_twice
from ._workers import prove_workers

_RANKS = (2, 3)


def prove_training(settings: Mapping[str, Any], root: Path | None, note: Note) -> Iterator[Proof]:
    """Try what the loop promises on a model and a dataset; nothing is stored.

    Args:
        settings: as `make_plans` takes them.
        root: the folder handed to datasets.
        note: told what is being tried.

    Yields:
        A proof for each promise.

    Raises:
        ZooError: as a training would before its first step.
    """
    subject = Subject.read(settings, root, note)
    yield from prove_parts(subject, note)
    yield prove_data_parallel(subject)
    note("two trainings …")
    yield prove_twice(subject)
    note("0, 1 and 3 workers …")
    yield prove_workers(subject)
    for ranks in _RANKS:
        yield from prove_ranks(subject, ranks, note)
