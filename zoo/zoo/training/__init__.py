"""The training of one model: build and check a job, run its loop, keep what comes out."""

from ._checks import check_model
from ._components import build, build_empty, build_module, make_prepare
from ._estimate import estimate
from ._fit import Fit
from ._interrupt import Interrupt
from ._job import Job
from ._keeper import Bystander
from ._loop import evaluate, set_training
from ._precision import Precision, resolve_precision
from ._prepare import Request, prepare
from ._source import first_available, load_splits
from ._train import surroundings, train

__all__ = [
    "Bystander",
    "Fit",
    "Interrupt",
    "Job",
    "Precision",
    "Request",
    "build",
    "build_empty",
    "build_module",
    "check_model",
    "estimate",
    "evaluate",
    "first_available",
    "load_splits",
    "make_prepare",
    "prepare",
    "resolve_precision",
    "set_training",
    "surroundings",
    "train",
]
