"""What is fed must not depend on how many processes read it."""

import hashlib
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch.utils.data import Dataset

from ..data import Batches, default_workers, length
from ..training import make_prepare
from ._jobs import prepared
from ._proof import EXACT, Proof

_SAMPLES = 256
_NAME = "0, 1 and 3 workers: the same bytes"


class _Items(Dataset[Any]):
    """The first samples of a split, one at a time, so that worker processes have to read them."""

    def __init__(self, split: Any) -> None:
        self._split = split

    def __len__(self) -> int:
        return min(_SAMPLES, length(self._split))

    def __getitem__(self, index: int) -> Any:
        return self._split[index]


def prove_workers(settings: Mapping[str, Any], root: Path | None) -> Proof:
    """Read an epoch with several numbers of workers and compare the bytes."""
    with prepared(settings, root) as (job, _):
        items = _Items(job.train.split)
        if not default_workers(items):
            why = "worker processes don't start by forking here"
            return Proof(name=_NAME, tolerance=EXACT, difference=None, skipped=why)
        prepare = make_prepare(job.facts.input, job.facts.task, job.model, job.strategy.device)
        with warnings.catch_warnings():  # of more workers than there are cores
            warnings.filterwarnings("ignore", message="This DataLoader will create")
            digests = {
                _digest(Batches(items, 32, prepare, workers=workers, seed=job.recipe.seed))
                for workers in (0, 1, 3)
            }
        return Proof(name=_NAME, tolerance=EXACT, difference=float(len(digests) - 1))


def _digest(batches: Batches) -> bytes:
    digest = hashlib.sha256()
    for samples, labels, _size in batches.epoch(1):
        digest.update(samples.cpu().numpy().tobytes() + labels.cpu().numpy().tobytes())
    batches.close()
    return digest.digest()
