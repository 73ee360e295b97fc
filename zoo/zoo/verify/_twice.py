"""Two trainings that must come out alike."""

import hashlib
import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from .. import metrics
from ..training import Job, set_training
from ..weights import canonical_state_dict
from ._jobs import prepared
from ._proof import EXACT, Proof
from ._subject import Subject

_STEPS = 10
_CUBLAS = "CUBLAS_WORKSPACE_CONFIG"


def prove_twice(subject: Subject) -> Proof:
    """Train twice with one seed, in the precision asked for, and compare the weights' bytes."""
    digests = {_trained(subject) for _ in range(2)}
    return Proof(
        name=f"the same seed twice, {_STEPS} steps: the same bytes",
        tolerance=EXACT,
        difference=float(len(digests) - 1),
        setting="--seed to repeat a run to the byte",
    )


def _trained(subject: Subject) -> str:
    """Train some steps; return the digest of the weights."""
    with prepared(subject, precision=subject.plan.settings["precision"]) as (job, fit):
        set_training(job.net, [])
        meter = metrics.for_task(job.facts.task, job.strategy.device, job.facts.num_classes)
        with _deterministic(job.strategy.device):
            fit.train_on(itertools.islice(job.train.epoch(1), _STEPS), meter)
        return _digest(job)


@contextmanager
def _deterministic(device: torch.device) -> Iterator[None]:
    """Let CUDA take the kernels that always sum in one order, where it has them."""
    if device.type != "cuda":
        yield
        return
    before = torch.are_deterministic_algorithms_enabled()
    only_warns = torch.is_deterministic_algorithms_warn_only_enabled()
    workspace = os.environ.get(_CUBLAS)
    os.environ[_CUBLAS] = ":4096:8"
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=only_warns)
        del os.environ[_CUBLAS]
        if workspace is not None:
            os.environ[_CUBLAS] = workspace


def _digest(job: Job) -> str:
    """Return the digest of the weights, under the bare model's names."""
    digest = hashlib.sha256()
    for name, tensor in canonical_state_dict(job.model).items():
        digest.update(name.encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
