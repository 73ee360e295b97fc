"""Who keeps what a training brings forth: rank 0 in the run's folder, the other ranks nowhere."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor

from ..checkpoints import Saver
from ..reporting import EpochRow
from ..runs import RunWriter
from ..weights import save_weights
from ._listeners import Listeners

_WEIGHTS = ("model.safetensors", "model.pth")


class Keeper(Protocol):
    """Told of all that is worth keeping."""

    def publish(self, state: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
        """Store weights as the run's model, in both formats."""

    def checkpoint(
        self, step: int, model: Mapping[str, Tensor], state: dict[str, Any], *, ended: bool
    ) -> None:
        """Have a checkpoint stored; see `zoo.checkpoints.Saver`."""

    def poll(self) -> None:
        """Look, between two steps, at what was stored meanwhile; raises what went wrong there."""

    def append_metrics(self, row: EpochRow) -> None:
        """Add a line to the history."""

    def update(self, **record: Any) -> None:
        """Set entries of the run's record."""

    def write_json(self, name: str, value: Mapping[str, Any]) -> str:
        """Store an object as a file of the run; return where."""

    def notify(self, hook: str, **facts: Any) -> None:
        """Call a life-cycle hook in every plugin."""


class RunKeeper:
    """Keeps it in a run's folder.

    Args:
        writer: of the folder.
        listeners: the plugins.
        keep: how many checkpoints are kept.
    """

    def __init__(self, writer: RunWriter, listeners: Listeners, keep: int) -> None:
        self._writer = writer
        self._listeners = listeners
        self._saver = Saver(writer.path, keep, before=writer.sync_metrics)
        self.update = writer.update
        self.notify = listeners.notify

    def publish(self, state: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
        """Store weights as the run's model, in both formats, and their digests."""
        files = [
            save_weights(state, self._writer.path / name, metadata=facts)
            for name, facts in zip(_WEIGHTS, (metadata, {}), strict=True)
        ]
        for saved in files:  # once both are there: a kill between them must show in the record
            self._writer.add_file(saved)
            self._saved(saved.path)

    def checkpoint(
        self, step: int, model: Mapping[str, Tensor], state: dict[str, Any], *, ended: bool
    ) -> None:
        """Copy a state, with what plugins want kept, and have it written."""
        plugins = self._listeners.states()
        history = self._writer.metrics_facts()
        whole = {**state, "plugins": plugins, "history": history}
        self._saver.save(step, model, whole, ended=ended)

    def poll(self) -> None:
        """Tell plugins of the checkpoints that were written; raise what went wrong."""
        for path in self._saver.poll():
            self._saved(path)

    def settle(self) -> None:
        """Wait until all checkpoints are written, and do as `poll` does."""
        for path in self._saver.wait():
            self._saved(path)

    def close(self, *, at_once: bool = False) -> None:
        """End the thread that writes, once it has written, or let it end with the program."""
        self._saver.close(at_once=at_once)

    def append_metrics(self, row: EpochRow) -> None:
        """Add a line to `metrics.jsonl`, and one to `times.jsonl`."""
        self._writer.append_metrics(row.measured())
        self._writer.append_times(row.timed())

    def write_json(self, name: str, value: Mapping[str, Any]) -> str:
        """Store an object as a file of the run; return where."""
        return str(self._writer.write_json(name, value))

    def _saved(self, path: Path) -> None:
        self.notify("zoo_checkpoint_saved", path=path)


class Bystander:
    """Keeps nothing: rank 0 does."""

    def publish(self, state: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
        """Keep nothing."""

    def checkpoint(
        self, step: int, model: Mapping[str, Tensor], state: dict[str, Any], *, ended: bool
    ) -> None:
        """Keep nothing."""

    def poll(self) -> None:
        """Have nothing to look at."""

    def append_metrics(self, row: EpochRow) -> None:
        """Keep nothing."""

    def update(self, **record: Any) -> None:
        """Keep nothing."""

    def write_json(self, name: str, value: Mapping[str, Any]) -> str:  # noqa: ARG002 - the protocol's
        """Keep nothing."""
        return f"{name} of rank 0's run"

    def notify(self, hook: str, **facts: Any) -> None:
        """Tell nobody."""
