"""torch's elastic agent, which starts the ranks of a machine and watches over them.

Imports torch.distributed.elastic, which only `launch` needs.
"""

import logging
import os
import signal
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from pathlib import Path
from types import FrameType
from typing import Any

from torch.distributed.elastic.agent.server.api import (
    RunResult,
    WorkerGroup,
    WorkerSpec,
    WorkerState,
)
from torch.distributed.elastic.agent.server.local_elastic_agent import LocalElasticAgent
from torch.distributed.elastic.events.api import Event, EventSource
from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs
from torch.distributed.elastic.rendezvous import RendezvousParameters
from torch.distributed.elastic.rendezvous.registry import get_rendezvous_handler

from zoo_registry import ZooError

from .._cores import usable_cores
from ._failures import Failure, purposeful, read_failures, why_ended
from ._rank_process import run_rank
from ._stop import STOP_SIGNALS, stopped_by

_LOCALHOST = "127.0.0.1"
_LOOPBACKS = ("lo", "lo0")


def run_ranks(
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
    folder: Path,
    *,
    ranks: int,
    max_restarts: int,
    note: Callable[[str], None],
) -> list[Any]:
    """Do what `launch` promises; `folder` is an empty one for the ranks' last words."""
    rendezvous = get_rendezvous_handler(
        RendezvousParameters(
            backend="c10d",
            endpoint=f"{_LOCALHOST}:0",
            run_id=uuid.uuid4().hex,
            min_nodes=1,
            max_nodes=1,
            local_addr=_LOCALHOST,
        )
    )
    spec = WorkerSpec(
        role="rank",
        local_world_size=ranks,
        rdzv_handler=rendezvous,
        entrypoint=run_rank,
        args=(function, arguments, folder),
        max_restarts=max_restarts,
        monitor_interval=0.1,
        local_addr=_LOCALHOST,
    )
    agent = RankAgent(spec, folder, note)
    try:
        with _silent_loggers(), _handlers_restored():
            result = agent.run()
    finally:
        rendezvous.shutdown()
    return agent.outcome(result)


class RankAgent(LocalElasticAgent):
    """Starts all ranks, again where one of them dies, and passes signals on to them.

    Args:
        spec: what to run, and how often to start again.
        folder: where ranks leave word of why they failed.
        note: told when the ranks are started again.
    """

    def __init__(self, spec: WorkerSpec, folder: Path, note: Callable[[str], None]) -> None:
        super().__init__(spec, DefaultLogsSpecs(log_dir=os.devnull), start_method="spawn")
        self._folder = folder
        self._note = note
        self._caught: list[signal.Signals] = []

    def outcome(self, result: RunResult) -> list[Any]:
        """Return what each rank returned.

        Raises:
            ZooError: a rank failed, or all were stopped.
        """
        if result.is_failed():
            raise self._why_failed(result)
        returned = [result.return_values[rank] for rank in sorted(result.return_values)]
        stopped: list[Failure] = [failure for _, failure in returned if failure is not None]
        if stopped:
            raise stopped[0].error()
        return [value for value, _ in returned]

    def _start_workers(self, worker_group: WorkerGroup) -> dict[int, Any]:
        """Start the ranks; signals that come meanwhile reach them when they are ready."""
        if self._caught:
            raise stopped_by(self._caught[0], "before the ranks were started")
        for left in self._folder.iterdir():
            left.unlink()
        with _signals_held(), _environment(worker_group.spec.local_world_size):
            started: dict[int, Any] = super()._start_workers(worker_group)
            if threading.current_thread() is threading.main_thread():
                for number in STOP_SIGNALS:  # in place of the agent's own
                    signal.signal(number, self._pass_on)
        return started

    def _monitor_workers(self, worker_group: WorkerGroup) -> RunResult:
        """Look after the ranks; start none again where that mends nothing."""
        result: RunResult = super()._monitor_workers(worker_group)
        if result.state is WorkerState.FAILED and self._remaining_restarts:
            if self._caught or purposeful(read_failures(self._folder)):
                self._remaining_restarts = 0
            else:
                left = self._remaining_restarts - 1
                self._note(f"{self._why_failed(result)}; starting again ({left} more after that)")
        return result

    def _why_failed(self, result: RunResult) -> ZooError:
        failures = read_failures(self._folder)
        if (first := purposeful(failures)) is not None:
            return first.error()
        if self._caught:
            how = "at once by a second signal" if len(self._caught) > 1 else "before its end"
            return stopped_by(self._caught[0], f"{how}; what was stored before is kept")
        rank, failed = min(result.failures.items())
        return why_ended(rank, failed.exitcode, failures)

    def _pass_on(self, number: int, _frame: FrameType | None) -> None:
        """Pass the first signal on, for the ranks to end in order; at a second one kill them."""
        self._caught.append(signal.Signals(number))
        sent = number if len(self._caught) == 1 else signal.SIGKILL
        assert self._pcontext is not None
        for process in self._pcontext.pids().values():
            with suppress(ProcessLookupError):
                os.kill(process, sent)

    def _construct_event(self, *_facts: Any, **_more: Any) -> Event:
        """Spare the look-up of this machine's full name, which may hang, for events unrecorded."""
        return Event("rank", EventSource.AGENT)


@contextmanager
def _environment(ranks: int) -> Iterator[None]:
    """Set what the ranks inherit, and what only an environment tells the agent."""
    extra = {"TORCHELASTIC_SIGNALS_TO_HANDLE": ""}
    if "OMP_NUM_THREADS" not in os.environ:
        extra["OMP_NUM_THREADS"] = str(max(1, usable_cores() // ranks))
    if "GLOO_SOCKET_IFNAME" not in os.environ:  # the machine's name need not be known to it
        names = [name for _, name in socket.if_nameindex()] if os.name == "posix" else []
        extra.update(("GLOO_SOCKET_IFNAME", name) for name in names if name in _LOOPBACKS)
    before = {name: os.environ.get(name) for name in extra}
    os.environ.update(extra)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _signals_held() -> Iterator[None]:
    """Block the signals for this thread, and for the processes that it starts inside the block."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # starting it later would let the signals in
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _handlers_restored() -> Iterator[None]:
    """Put the handlers of signals back after the block; the agent leaves its own."""
    names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in before.items():
                if handler is not None:  # one that was not set from Python
                    signal.signal(number, handler)


@contextmanager
def _silent_loggers() -> Iterator[None]:
    """Keep what torch logs about the processes off the screen: an error tells it once."""
    names = ("torch.distributed", "torch.multiprocessing")
    loggers = [
        logger
        for name, logger in logging.root.manager.loggerDict.items()
        if name.startswith(names) and isinstance(logger, logging.Logger) and not logger.disabled
    ]
    for logger in loggers:
        logger.disabled = True
    try:
        yield
    finally:
        for logger in loggers:
            logger.disabled = False
