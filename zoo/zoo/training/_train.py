"""Train: a job in, a run out, and nothing half-done left behind."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from zoo_registry import Registry

from ..errors import StorageError
from ..home import runs_dir
from ..parallel import Strategy, choose_device
from ..recipe import OBJECT
from ..reporting import Reporter, Silent, Started
from ..runs import Run, RunWriter, open_run
from ._fit import Fit
from ._interrupt import interrupts
from ._job import Job
from ._keeper import Bystander, RunKeeper
from ._memory import out_of_memory_is_said
from ._plain_optimizer import without_compiler
from ._prepare import Request, prepare

_LONGEST_NAME = 128
"""Characters of a run's name, at most."""


def train(request: Request, registry: Registry, reporter: Reporter, name: str | None = None) -> Run:
    """Train what `request` asks for and store it as a run.

    The caller's random state, of the CPU and of CUDA, is left as it was.

    Args:
        request: what was asked.
        registry: the installed plugins.
        reporter: shows the course.
        name: of the run; None: `<model>-<dataset>-<n>`.

    Raises:
        ZooError: with the reason; a run that stored nothing is gone, no other is touched.
        Stopped: Ctrl-C or SIGTERM; the weights so far are stored.
    """
    with surroundings(request):
        try:
            job = prepare(request, registry, reporter.note)
            try:
                if job.strategy.rank:
                    return _follow(job)
                return _lead(job, registry, reporter, name)
            finally:
                job.close()
        finally:
            reporter.close()


@contextmanager
def surroundings(request: Request) -> Iterator[None]:
    """Let a job be prepared and run inside the block: the caller's random state is kept."""
    device = choose_device(request.plans[0].settings["device"])
    cuda = range(torch.cuda.device_count()) if device.type == "cuda" else []
    with torch.random.fork_rng(devices=cuda), out_of_memory_is_said(), without_compiler():
        yield


def _lead(job: Job, registry: Registry, reporter: Reporter, name: str | None) -> Run:
    """Train as the rank that stores the run, alone or first among several."""
    writer = RunWriter.create(name, _stem(job), job.recipe.to_toml(), _record(job))
    begun = writer.run
    failures: dict[str, str] = {}

    def notify(hook: str, **facts: Any) -> None:
        run = writer.run if writer.path.exists() else begun
        for plugin, fault in registry.notify(hook, run=run, **facts):
            if plugin.name not in failures:
                reporter.note(f"plugin {plugin.name} ({plugin.origin}) failed in {fault}")
            failures.setdefault(plugin.name, fault)

    try:
        with interrupts() as interrupt:
            reporter.started(_started(job, writer))
            fit = Fit(job, RunKeeper(writer, notify), reporter, interrupt)
            notify("zoo_run_started")
            finished = fit.run()
    except BaseException as error:
        _abandon(writer, error)
        notify("zoo_run_ended", outcome="failed")
        raise
    state = "done" if finished else "stopped"
    run = writer.finish(state, plugin_failures=failures)
    notify("zoo_run_ended", outcome=state)
    _told_by_first(job.strategy, run.name)
    reporter.ended(_outcome(run))
    if not finished:
        raise interrupt.error(f"the weights of step {fit.step} are in {run.path}")
    return run


def _follow(job: Job) -> Run:
    """Train as a rank that has its share of each batch, and stores nothing."""
    with interrupts() as interrupt:
        fit = Fit(job, Bystander(), Silent(), interrupt)
        finished = fit.run()
    run = open_run(runs_dir() / _told_by_first(job.strategy, ""))
    if not finished:
        raise interrupt.error(f"the weights of step {fit.step} are in {run.path}")
    return run


def _told_by_first(strategy: Strategy, text: str) -> str:
    """Return rank 0's `text` on every rank; collective."""
    if strategy.num_ranks == 1:
        return text
    letters = torch.zeros(_LONGEST_NAME, dtype=torch.int64)
    if strategy.rank == 0:
        letters[: len(text)] = torch.tensor([ord(letter) for letter in text])
    return "".join(chr(letter) for letter in strategy.sum(letters).tolist() if letter)


def _abandon(writer: RunWriter, error: BaseException) -> None:
    """Mark the run as failed; where it stored no weights, take it away."""
    # The disk may be full or gone: the error that ended the run is the one to tell.
    with suppress(StorageError, OSError):
        if not writer.discard():
            writer.finish("failed", error=str(error).splitlines()[0] if str(error) else repr(error))


def _stem(job: Job) -> str:
    """Name a run after its model and its dataset; a dataset given by path, after the path."""
    path = job.recipe.options.get("dataset", {}).get("path")
    model = job.recipe.model.removeprefix(OBJECT).rpartition("/")[2]
    dataset = job.recipe.dataset.removeprefix(OBJECT).rpartition("/")[2]
    if isinstance(path, str):
        dataset = Path(path).stem
    return f"{model}-{dataset}"


def _started(job: Job, writer: RunWriter) -> Started:
    return Started(
        run=writer.run.name,
        model=job.recipe.model.removeprefix(OBJECT),
        dataset=job.recipe.dataset.removeprefix(OBJECT),
        device=job.recipe.device,
        num_parameters=job.num_parameters,
        num_train=job.facts.num_train,
        num_test=job.facts.num_test,
        epochs=job.recipe.epochs,
        num_batches=len(job.train),
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
    }


def _record(job: Job) -> dict[str, Any]:
    """Collect what a reader of the run will want to know, beyond its recipe."""
    plugins = {entry.plugin.name: entry.plugin for entry in job.entries.values()}
    return {
        "task": job.facts.task,
        "parameters": job.num_parameters,
        "versions": {
            "python": sys.version.split()[0],
            "zoo-registry": version("zoo-registry"),
            "torch": torch.__version__,
            "safetensors": version("safetensors"),
        },
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
    }
