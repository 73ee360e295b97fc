"""What is fed must not depend on how many processes read it."""

import hashlib
import warnings

from ..data import Batches, default_workers
from ._jobs import prepared
from ._proof import EXACT, Proof
from ._subject import Subject

_SAMPLES = 256
_WORKERS = (0, 1, 3)


def prove_workers(subject: Subject) -> Proof:
    """Read an epoch with several numbers of workers and compare the bytes."""
    items = subject.one_by_one(_SAMPLES)
    digests: set[bytes] = set()
    can_start = default_workers(items.splits.train) > 0
    for workers in _WORKERS if can_start else ():
        with warnings.catch_warnings():  # of more workers than there are cores
            warnings.filterwarnings("ignore", message="This DataLoader will create")
            with prepared(items, workers=workers, batch_size=32) as (job, _):
                digests.add(_digest(job.train))
    return Proof(
        name="0, 1 and 3 workers: the same bytes",
        tolerance=EXACT,
        difference=float(len(digests) - 1) if can_start else None,
        setting="--workers",
        skipped="worker processes don't start by forking here",
    )


def _digest(batches: Batches) -> bytes:
    """Return the digest of all samples and labels of an epoch."""
    digest = hashlib.sha256()
    for samples, labels, _size in batches.epoch(1):
        digest.update(samples.cpu().numpy().tobytes() + labels.cpu().numpy().tobytes())
    return digest.digest()
