"""Train: a job in, a run out, new or gone on with, and nothing half-done left behind."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch

from zoo_registry import Registry, Tracker

from .._ranks import launch_id
from .._tracked import recorded
from ..checkpoints import Checkpoint, read_checkpoint
from ..errors import StorageError
from ..parallel import choose_device
from ..recipe import OBJECT, parent_of
from ..reporting import Reporter, Silent, Started
from ..runs import Run, RunWriter, lineage, open_run
from ._compile import compiler_is_quoted
from ._fit import Fit
from ._interrupt import interrupts, stoppable
from ._job import Job
from ._keeper import Bystander, RunKeeper
from ._listeners import Listeners
from ._memory import out_of_memory_is_said
from ._plain_optimizer import without_compiler
from ._prepare import Request, prepare
from ._random import own_randomness
from ._ranked import told_by_first
from ._resume import (
    check_same,
    discard_newer,
    mend_weights,
    newest_checkpoint,
    restore_model,
)
from ._trackers import build_trackers


def train(
    request: Request,
    registry: Registry,
    reporter: Reporter,
    name: str | None = None,
) -> Run:
    """Train what `request` asks for and store it as a run, or go on with the one it names.

    The caller's random state, of every generator that a training draws from, is left as it was.

    Args:
        request: what was asked.
        registry: the installed plugins.
        reporter: shows the course.
        name: of a new run; None: `<model>-<dataset>-<n>`.

    Raises:
        ZooError: with the reason; a run that stored nothing is gone, no other is touched.
        Stopped: Ctrl-C or SIGTERM; the state so far is stored.
    """
    with surroundings(request):
        try:
            with stoppable():
                trackers = build_trackers(request.trackers, registry)
                job = prepare(request, registry, reporter.note)
            try:
                if job.strategy.rank:
                    return _follow(job)
                return _lead(job, registry, trackers, reporter, name, request)
            finally:
                job.close()
        finally:
            reporter.close()


@contextmanager
def surroundings(request: Request) -> Iterator[None]:
    """Let a job be prepared and run inside the block: the caller's random state is kept."""
    device = choose_device(request.plans[0].settings["device"])
    with (
        own_randomness(device),
        out_of_memory_is_said(),
        compiler_is_quoted(),
        without_compiler(),
    ):
        yield


def _lead(
    job: Job,
    registry: Registry,
    trackers: Sequence[Tracker],
    reporter: Reporter,
    name: str | None,
    request: Request,
) -> Run:
    """Train as the rank that stores the run, alone or first among several."""
    with stoppable():
        checkpoint = None
        if request.resumed is not None:
            check_same(job, request.resumed, reporter.note)
            checkpoint = newest_checkpoint(request.resumed, reporter.note)
        told_by_first(job.strategy, str(checkpoint.path) if checkpoint else "")
        restore_model(job, checkpoint)
    # A signal is only noted from here on: whenever it comes, what has begun is stored.
    with interrupts() as interrupt:
        writer = _writer(job, name, request, checkpoint)
        begun = writer.run
        listeners = Listeners(
            registry, trackers, lambda: writer.run if writer.path.exists() else begun, reporter.note
        )
        keeper = RunKeeper(writer, listeners, job.recipe.keep_checkpoints)
        try:
            fit = Fit(job, keeper, reporter, interrupt)
            if checkpoint is not None:
                fit.restore(checkpoint)
                listeners.restore(checkpoint.state["plugins"])
                _say_where_it_is_over(fit, reporter)
            reporter.started(_started(job, writer, fit.step))
            listeners.notify("zoo_run_started")
            finished = fit.run()
            keeper.settle()
            keeper.close()
            state = "done" if finished else "stopped"
            run = writer.finish(state, plugin_failures=listeners.failures)
        except BaseException as error:
            keeper.close(at_once=isinstance(error, KeyboardInterrupt))
            _tell_end(writer, listeners, _abandon(writer, listeners, error))
            raise
    run = _tell_end(writer, listeners, state) or run
    told_by_first(job.strategy, str(run.path))
    reporter.ended(_outcome(run))
    if not finished:
        raise interrupt.error(_how_to_go_on(fit, run))
    return run


def _follow(job: Job) -> Run:
    """Train as a rank that has its share of each batch, and stores nothing."""
    with stoppable():
        path = told_by_first(job.strategy, "")
        checkpoint = read_checkpoint(Path(path)) if path else None
        restore_model(job, checkpoint)
    with interrupts() as interrupt:
        fit = Fit(job, Bystander(), Silent(), interrupt)
        if checkpoint is not None:
            fit.restore(checkpoint)
        finished = fit.run()
    run = _seen_from_here(Path(told_by_first(job.strategy, "")), job, finished=finished)
    if not finished:
        raise interrupt.error(_how_to_go_on(fit, run))
    return run


def _seen_from_here(path: Path, job: Job, *, finished: bool) -> Run:
    """Return the run that rank 0 stored, which may lie on another machine."""
    if path.is_dir():
        return open_run(path)
    return Run(path, "done" if finished else "stopped", {}, job.recipe.to_dict(), "")


def _writer(
    job: Job, name: str | None, request: Request, checkpoint: Checkpoint | None
) -> RunWriter:
    """Return who writes the run's folder: a new one, or one that goes on."""
    followed = {"trackers": recorded(request.trackers)}
    if request.resumed is None:
        record = {**_record(job), **followed}
        return RunWriter.create(name, _stem(job), job.recipe.to_toml(), record)
    history: dict[str, Any] = {"bytes": 0, "sha256": None}
    if checkpoint is not None:
        history = checkpoint.state["history"]
    writer = RunWriter.reopen(
        request.resumed,
        history["bytes"],
        metrics_sha256=history["sha256"],
        record={**lineage(), **followed},
        force=request.forced,
    )
    discard_newer(request.resumed, checkpoint)
    mend_weights(writer, checkpoint.state["parts"]["progress"]["epoch"] if checkpoint else 1)
    return writer


def _say_where_it_is_over(fit: Fit, reporter: Reporter) -> None:
    """Make no secret of it where a run lacks nothing but the record of its end."""
    if fit.progress.is_over:
        reporter.note(
            "its last step was done when it was cut off: nothing is left to train, the run is "
            "recorded as done"
        )


def _how_to_go_on(fit: Fit, run: Run) -> str:
    return f"step {fit.step} of {fit.job.num_steps} is stored; `zoo resume {run.name}` goes on"


def _abandon(writer: RunWriter, listeners: Listeners, error: BaseException) -> str:
    """Mark the run as failed, or as stopped at once; where it stored nothing, take it away.

    Returns:
        The outcome: `failed` or `stopped`.
    """
    state = "stopped" if isinstance(error, KeyboardInterrupt) else "failed"
    facts: dict[str, Any] = {"plugin_failures": listeners.failures}
    if state == "failed":
        facts["error"] = str(error).splitlines()[0] if str(error) else repr(error)
    # The disk may be full or gone: the error that ended the run is the one to tell.
    with suppress(StorageError, OSError):
        if state == "stopped" or not writer.discard():
            writer.finish(state, **facts)
    return state


def _tell_end(writer: RunWriter, listeners: Listeners, outcome: str) -> Run | None:
    """Tell listeners how the run ended; record who fails at that, and return the run as it then is.

    None where nobody did, or the run is gone.
    """
    before = dict(listeners.failures)
    listeners.notify("zoo_run_ended", outcome=outcome)
    if listeners.failures == before:
        return None
    with suppress(StorageError, OSError):
        return writer.amend(plugin_failures=listeners.failures)
    return None


def _stem(job: Job) -> str:
    """Name a run after its model and its dataset; a dataset given by path, after the path."""
    path = job.recipe.options.get("dataset", {}).get("path")
    model = job.recipe.model.removeprefix(OBJECT).rpartition("/")[2]
    dataset = job.recipe.dataset.removeprefix(OBJECT).rpartition("/")[2]
    if isinstance(path, str):
        dataset = Path(path).stem
    return f"{model}-{dataset}"


def _started(job: Job, writer: RunWriter, step: int) -> Started:
    return Started(
        run=writer.run.name,
        model=job.recipe.model.removeprefix(OBJECT),
        dataset=job.recipe.dataset.removeprefix(OBJECT),
        device=job.recipe.device,
        num_parameters=job.num_parameters,
        num_train=job.facts.num_train,
        num_test=job.facts.num_test,
        sample_shape=job.facts.input.shape,
        num_classes=0 if job.facts.task == "regression" else job.facts.num_classes,
        epochs=job.recipe.epochs,
        num_batches=len(job.train),
        step=step,
        monitor=job.recipe.monitor.partition(":")[0],
    )


def _outcome(run: Run) -> dict[str, Any]:
    return {
        "run": run.name,
        "path": str(run.path),
        "state": run.state,
        "metrics": run.metrics,
        "best_epoch": run.record["best_epoch"],
        "seconds": run.record["seconds"],
        "plugin_failures": run.record["plugin_failures"],
    }


def _record(job: Job) -> dict[str, Any]:
    """Collect what a reader of the run, or its resumption, will want to know beyond its recipe."""
    plugins = {entry.plugin.name: entry.plugin for entry in job.entries.values()}
    return {
        "task": job.facts.task,
        "parameters": job.num_parameters,
        **lineage(parent_of(job.recipe.weights)),
        "plugins": [
            {"name": p.name, "distribution": p.distribution, "version": p.version}
            for p in plugins.values()
        ],
        "data": {
            "train": job.facts.num_train,
            "test": job.facts.num_test,
            "classes": list(job.facts.classes),
            "fingerprint": job.facts.fingerprint,
        },
        "threads": torch.get_num_threads(),
        "micro_batches": job.recipe.accumulate,
        "stopped_early": False,
        "metrics": {},
        "best_epoch": 0,
        "launch": launch_id(),
        "data_dir": None if job.data_root is None else str(job.data_root.absolute()),
    }
