"""Checkpoints written in the background, while the training goes on."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from ._folder import prune, write_checkpoint
from ._snapshot import Snapshot


class _Taken(NamedTuple):
    memory: Snapshot
    step: int
    ended: bool
    model: Mapping[str, Tensor]
    state: Any


class Saver:
    """Writes the checkpoints of one run, one after another, in a thread of its own.

    A state is copied when it is given, and the training goes on while the copy is written. One
    that still waits for its turn when the next is given is passed over: where epochs are shorter
    than the writing, the training does not wait for the disk.

    Args:
        run: the run's folder.
        keep: how many checkpoints are kept, the newest; an older one goes once a newer is durable
            and was read again.
        before: called before each is written, in the thread that writes: what a checkpoint knows
            of must not be lost where the checkpoint is not.
    """

    def __init__(self, run: Path, keep: int, before: Callable[[], None]) -> None:
        self._run = run
        self._keep = keep
        self._before = before
        self._changed = threading.Condition()
        self._waiting: _Taken | None = None
        self._written: list[Path] = []
        self._error: Exception | None = None
        self._closed = False
        self._free = [Snapshot(), Snapshot()]
        self._thread: threading.Thread | None = None

    def save(self, step: int, model: Mapping[str, Tensor], state: Any, *, ended: bool) -> None:
        """Copy a state, to be written.

        Args:
            step: optimizer steps done.
            model: the weights, under the bare model's names.
            state: all else; see `write_checkpoint`.
            ended: whether its epoch has been measured.
        """
        with self._changed:
            passed_over, self._waiting = self._waiting, None
        # Of two memories one may be being written; the other is free, or was passed over.
        memory = passed_over.memory if passed_over else self._free.pop()
        copies = memory.take({"model": model, "state": state})
        weights = OrderedDict(copies["model"])
        vars(weights).update(getattr(model, "__dict__", {}))  # its modules' versions
        self._start()
        with self._changed:
            self._waiting = _Taken(memory, step, ended, weights, copies["state"])
            self._changed.notify_all()

    def poll(self) -> list[Path]:
        """Return the checkpoints written since the last call.

        Raises:
            StorageError, UsageError, CorruptCheckpoint: one could not be written.
        """
        if self._error is None and not self._written:  # in each step: no lock for what is atomic
            return []
        with self._changed:
            if self._error is not None:
                raise self._error
            written, self._written = self._written, []
        return written

    def wait(self) -> list[Path]:
        """Return as `poll` does, once all that was given is written."""
        with self._changed:
            self._changed.wait_for(lambda: self._error or (not self._waiting and self._is_idle))
        return self.poll()

    def close(self, *, at_once: bool = False) -> None:
        """End the thread, once it has written what it was given; errors are for `wait`.

        Args:
            at_once: don't wait for it, and write nothing that still waits.
        """
        with self._changed:
            self._closed = True
            self._waiting = None if at_once else self._waiting
            self._changed.notify_all()
        if self._thread is not None and not at_once:
            self._thread.join()

    @property
    def _is_idle(self) -> bool:
        return len(self._free) == 2

    def _start(self) -> None:
        if self._thread is None:
            # A daemon: whoever ends the program at once must not wait for a disk.
            self._thread = threading.Thread(target=self._work, name="checkpoints", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while (taken := self._next()) is not None:
            try:
                self._before()
                path = write_checkpoint(
                    self._run, taken.step, taken.model, taken.state, ended=taken.ended
                )
                prune(self._run, self._keep, path)
            except Exception as error:  # noqa: BLE001 - raised where the training polls
                outcome: Path | Exception = error
            else:
                outcome = path
            with self._changed:
                if isinstance(outcome, Path):
                    self._written.append(outcome)
                else:
                    self._error = outcome
                self._free.append(taken.memory)
                self._changed.notify_all()

    def _next(self) -> _Taken | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            taken, self._waiting = self._waiting, None
            return taken
