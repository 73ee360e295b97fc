"""What is proven on several ranks: gradients, and measurements."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch

from ..parallel import choose_device, launch
from ._jobs import SIZES, gradients, measured, prepared, reference, share
from ._proof import METRICS, ROUNDING, Proof, gap, metrics_gap
from ._still import settle, still
from ._subject import Note, Subject


class Outcome(NamedTuple):
    """What a rank found."""

    gaps: list[float]
    """Between gradients that all ranks computed and plain ones, for each of SIZES."""
    metrics: dict[str, float]
    """On the test split; none where there is none."""


def prove_ranks(subject: Subject, ranks: int, note: Note) -> Iterator[Proof]:
    """Start ranks and compare what they compute with one process."""
    device = _device(str(subject.plan.settings["device"]), ranks)
    where = "" if device == "cuda" or not torch.cuda.is_available() else ", on the CPU"
    note(f"{ranks} ranks{where} …")
    with prepared(subject, device=device) as (job, _):
        expected = measured(job)
    arguments = (subject.settings, subject.root, ranks, device)
    yield from _proofs(ranks, launch(on_rank, arguments, ranks=ranks), expected)


def _device(asked: str, ranks: int) -> str:
    """Return `cuda` where each rank can have a GPU of its own, else `cpu`."""
    several = choose_device(asked).type == "cuda" and torch.cuda.device_count() >= ranks
    return "cuda" if several else "cpu"


def _proofs(ranks: int, outcomes: list[Outcome], expected: dict[str, float]) -> Iterator[Proof]:
    setting = f"--parallel ddp --ranks {ranks}"
    for kind, gaps in zip(SIZES, zip(*(o.gaps for o in outcomes), strict=True), strict=True):
        yield Proof(
            name=f"DDP with {ranks} ranks, {kind}",
            tolerance=ROUNDING,
            difference=max(gaps),
            setting=setting,
        )
    yield Proof(
        name=f"evaluation on {ranks} ranks",
        tolerance=METRICS,
        difference=max(metrics_gap(o.metrics, expected) for o in outcomes) if expected else None,
        setting=setting,
        skipped="there is no test split",
    )


def on_rank(settings: Mapping[str, Any], root: Path | None, ranks: int, device: str) -> Outcome:
    """Compute gradients and metrics together with the other ranks, and gradients alone."""
    subject = Subject.read(settings, root, _ignore)
    with prepared(subject, parallel="ddp", ranks=ranks, device=device) as (job, fit):
        metrics = measured(job)
        settle(job)
        still(job.model, norms=True)  # which take their statistics over the ranks
        found = []
        for size in SIZES.values():
            fit.gradients(share(job, size))
            found.append(gradients(job))
        job.strategy.unwrap(job.model)
        expected = [reference(job, size) for size in SIZES.values()]
        return Outcome(list(map(gap, found, expected)), metrics)


def _ignore(_text: str) -> None:
    pass
