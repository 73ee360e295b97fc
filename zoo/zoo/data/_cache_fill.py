"""Decoding a whole set into a file, on all cores."""

import contextlib
import math
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, NamedTuple

import torch

from zoo_registry import BadSample, InvalidData, ZooError

from .._cores import usable_cores
from ._arrays import as_tensor
from ._workers import forks

# N = samples in all, C = channels, H/W = rows/columns

_CHUNK = 64
"""Samples that one worker decodes in a row."""


class _Work(NamedTuple):
    """What every worker is told."""

    split: Any
    path: Path
    shape: tuple[int, ...]
    """(C, H, W) of a sample."""


def fill(split: Any, path: Path, shape: tuple[int, ...]) -> None:
    """Decode every sample of `split` into a file: uint8, the samples one after the other.

    In processes where those start by forking, else in threads. None of them outlives the call,
    nor for long this process, should that be killed.

    Args:
        split: map-style dataset of uint8 samples (C, H, W).
        path: an empty file.
        shape: (N, C, H, W).

    Raises:
        BadSample: a sample can't be read.
        InvalidData: a sample has another shape or dtype.
        OSError: the file can't be written.
        ZooError: a process died.
    """
    chunks = [range(i, min(i + _CHUNK, shape[0])) for i in range(0, shape[0], _CHUNK)]
    workers = min(usable_cores(), len(chunks))
    shares = [chunks[first::workers] for first in range(workers)]
    run = _in_processes if workers > 1 and forks() else _in_threads
    run(_Work(split, path, shape[1:]), shares)


def _in_threads(work: _Work, shares: Sequence[Sequence[range]]) -> None:
    stop = threading.Event()
    with ThreadPoolExecutor(len(shares)) as pool:
        try:
            futures = [pool.submit(_write_share, work, share, stop.is_set) for share in shares]
            for future in as_completed(futures):
                future.result()
        finally:
            stop.set()


def _in_processes(work: _Work, shares: Sequence[Sequence[range]]) -> None:
    # An executor's processes would wait forever for the next task of a parent that was killed.
    context = multiprocessing.get_context("fork")
    processes, waiting = [], []
    try:
        for share in shares:
            receiver, sender = context.Pipe(duplex=False)
            waiting.append(receiver)
            arguments = (work, share, sender, os.getpid())
            process = context.Process(target=_in_process, args=arguments, daemon=True)
            process.start()
            processes.append(process)
            sender.close()  # so that the worker's end is the end of the pipe
        _await(waiting)
    finally:
        for process in processes:
            process.kill()  # nothing they write is of use without the others
            process.join()
        for receiver in waiting:
            receiver.close()


def _await(receivers: Sequence[Connection]) -> None:
    """Wait for every worker's outcome; raise the first error."""
    waiting = list(receivers)
    while waiting:
        for receiver in wait(waiting):
            assert isinstance(receiver, Connection)
            try:
                error = receiver.recv()
            except EOFError:
                raise ZooError(
                    "a process that decoded samples died; if memory is short, leave them where "
                    "they are: --cache none"
                ) from None
            if error is not None:
                raise error
            waiting.remove(receiver)


def _in_process(work: _Work, share: Sequence[range], sender: Connection, parent: int) -> None:
    # They reach every process of a job; ending the workers is the parent's business.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    # What torch's threads hold at the time of a fork stays locked in the child.
    torch.set_num_threads(1)
    outcome: Exception | None = None
    try:
        _write_share(work, share, lambda: os.getppid() != parent)
    except (ZooError, OSError) as error:
        outcome = error
    with contextlib.suppress(BrokenPipeError):  # the parent was killed
        sender.send(outcome)


def _write_share(work: _Work, share: Sequence[range], is_over: Callable[[], bool]) -> None:
    """Write the samples of some chunks, each to its place; stop early once `is_over`."""
    # Not through a mapping: on a full disk that ends the process, where a write raises.
    with work.path.open("r+b") as file:
        for chunk in share:
            file.seek(chunk.start * math.prod(work.shape))
            for index in chunk:
                if is_over():
                    return
                file.write(_pixels(work, index))


def _pixels(work: _Work, index: int) -> memoryview:
    """Read a sample; return its bytes in the order (C, H, W)."""
    try:
        sample = as_tensor(work.split[index][0], f"sample {index}")
    except ZooError:
        raise
    except Exception as error:
        cause = f"{type(error).__name__}: {error}"
        raise BadSample(f"sample {index} can't be read ({cause})") from error
    if sample.dtype != torch.uint8 or sample.shape != work.shape:
        dtype = str(sample.dtype).removeprefix("torch.")
        raise InvalidData(
            f"sample {index} is {dtype} {tuple(sample.shape)}, but {type(work.split).__name__} "
            f"has a cache_key, which promises uint8 {work.shape} for all; --cache none asks for "
            "no such promise"
        )
    pixels: memoryview = sample.contiguous().numpy().data
    return pixels
