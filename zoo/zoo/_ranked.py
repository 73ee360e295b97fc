"""Training on several ranks that are started here."""

import copy
import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ._ranks import launch_id, num_restarts, rank
from ._registry import registry
from ._tracked import Trackers
from .checkpoints import MODEL, checkpoints
from .parallel import launch
from .recipe import make_plans
from .reporting import Json, Lines, Reporter, Silent, screen_reporter
from .runs import Run, list_runs, open_run
from .training import Request, train
from .weights import load_weights

_REPORTERS = {"json": Json, "screen": screen_reporter, "silent": Silent}


def train_on_ranks(  # noqa: PLR0913 - what is trained, and how it is run and shown
    settings: Mapping[str, Any],
    objects: Mapping[str, Any],
    root: Path | None,
    name: str | None,
    *,
    show: str,
    ranks: int,
    max_restarts: int = 0,
    resumed: Path | None = None,
    forced: bool = False,
    trackers: Trackers | None = None,
) -> Run:
    """Start ranks, train on them what one process would, and return the run.

    A model given as an object has the weights of the last epoch in the end, as if it had been
    trained here.

    Args:
        settings: fields and dotted options, as `make_plans` takes them.
        objects: parts given as Python objects; they are pickled for the ranks, which unpickle
            nothing else.
        root: the folder handed to datasets.
        name: of the run.
        show: `screen`, `json` or `silent`.
        ranks: how many; 0: one for each GPU, else one.
        max_restarts: how often all go on from the newest checkpoint after one has died.
        resumed: folder of the run to go on with; None: a new one.
        forced: go on also where another process may be at work on it.
        trackers: that follow it, with their options; the first rank builds them.

    Raises:
        ZooError: what a rank raised, or that one died.
    """
    parallel, number = shared_as(settings, ranks)
    asked = {**settings, "parallel": parallel}
    arguments = (asked, dict(objects), root, name, show, resumed, forced, dict(trackers or {}))
    note = (Silent() if show == "silent" else Lines()).note
    path = launch(_train_as_rank, arguments, ranks=number, max_restarts=max_restarts, note=note)[0]
    run = open_run(path)
    if isinstance(model := objects.get("model"), nn.Module):
        load_weights(model, checkpoints(run.path)[0] / MODEL)
    return run


def shared_as(settings: Mapping[str, Any], ranks: int) -> tuple[str, int]:
    """Return how ranks that are started here share a training, and how many.

    Args:
        settings: as `train_on_ranks` takes them.
        ranks: how many are asked for; 0: one for each GPU, else one.
    """
    asked = settings.get("parallel", "auto")
    return "ddp" if asked == "auto" else str(asked), ranks or max(1, torch.cuda.device_count())


def _train_as_rank(
    settings: Mapping[str, Any],
    objects: Mapping[str, Any],
    root: Path | None,
    name: str | None,
    show: str,
    resumed: Path | None,
    forced: bool,
    trackers: Trackers,
) -> str:
    """Train as one of the ranks; return the run's folder."""
    reporter: Reporter = Silent() if rank() else _REPORTERS[show]()
    # Tensors that are sent to a process are shared with it: each rank trains weights of its own.
    objects = {
        part: copy.deepcopy(value) if isinstance(value, nn.Module) else value
        for part, value in objects.items()
    }
    plans = make_plans(settings, registry(), root)
    before = open_run(resumed) if resumed else _of_this_launch()
    request = Request(
        plans=plans,
        objects=objects,
        data_root=root,
        resumed=before,
        forced=forced,
        trackers=trackers,
    )
    # The reporter has the stdout of now; where that is JSON's, others print on stderr.
    with redirect_stdout(sys.stderr if show == "json" else sys.stdout):
        return str(train(request, registry(), reporter, name).path)


def _of_this_launch() -> Run | None:
    """Return the run that the ranks were training before one of them died, if any was."""
    if not num_restarts():
        return None
    return next((run for run in list_runs() if run.record.get("launch") == launch_id()), None)
