"""Who keeps what a training brings forth: rank 0 in the run's folder, the other ranks nowhere."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor

from ..runs import RunWriter
from ..weights import SavedFile, save_weights

Notify = Callable[..., None]


class Keeper(Protocol):
    """Told of all that is worth keeping."""

    def save(self, state: Mapping[str, Tensor], name: Path, metadata: Mapping[str, str]) -> None:
        """Store weights as a file of the run."""

    def publish(self, state: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
        """Store weights as the run's model, in both formats."""

    def append_metrics(self, row: Mapping[str, Any]) -> None:
        """Add a line to the history."""

    def update(self, **record: Any) -> None:
        """Set entries of the run's record."""

    def write_json(self, name: str, value: Mapping[str, Any]) -> str:
        """Store an object as a file of the run; return where."""

    def notify(self, hook: str, **facts: Any) -> None:
        """Call a life-cycle hook in every plugin."""


class RunKeeper:
    """Keeps it in a run's folder."""

    def __init__(self, writer: RunWriter, notify: Notify) -> None:
        self._writer = writer
        self.append_metrics = writer.append_metrics
        self.update = writer.update
        self.notify = notify

    def save(self, state: Mapping[str, Tensor], name: Path, metadata: Mapping[str, str]) -> None:
        """Store weights as a file of the run, and tell plugins."""
        self._save(state, name, metadata)

    def publish(self, state: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
        """Store weights as the run's model, in both formats, and their digests."""
        self._writer.add_file(self._save(state, Path("model.safetensors"), metadata))
        self._writer.add_file(self._save(state, Path("model.pth"), {}))

    def write_json(self, name: str, value: Mapping[str, Any]) -> str:
        """Store an object as a file of the run; return where."""
        return str(self._writer.write_json(name, value))

    def _save(
        self, state: Mapping[str, Tensor], name: Path, metadata: Mapping[str, str]
    ) -> SavedFile:
        path = self._writer.path / name
        path.parent.mkdir(exist_ok=True)
        saved = save_weights(state, path, metadata=metadata)
        self.notify("zoo_checkpoint_saved", path=path)
        return saved


class Bystander:
    """Keeps nothing: rank 0 does."""

    def save(self, state: Mapping[str, Tensor], name: Path, metadata: Mapping[str, str]) -> None:
        """Keep nothing."""

    def publish(self, state: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
        """Keep nothing."""

    def append_metrics(self, row: Mapping[str, Any]) -> None:
        """Keep nothing."""

    def update(self, **record: Any) -> None:
        """Keep nothing."""

    def write_json(self, name: str, value: Mapping[str, Any]) -> str:  # noqa: ARG002 - the protocol's
        """Keep nothing."""
        return f"{name} of rank 0's run"

    def notify(self, hook: str, **facts: Any) -> None:
        """Tell nobody."""
