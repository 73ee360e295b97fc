"""TensorBoard: event files beside the weights, or in a folder of all runs."""

from collections.abc import Mapping
from pathlib import Path

from zoo import Run

from ._facts import final, hyperparameters, measured, num_epochs, tags
from ._library import extra

with extra("tensorboard"):
    import tensorboard  # noqa: F401 - first, so that its lack is said before torch takes seconds
    from torch.utils.tensorboard import SummaryWriter


class TensorBoard:
    """Writes event files: `tensorboard --logdir <ZOO_HOME>/runs` shows all runs.

    Args:
        log_dir: Folder of all runs; None: `tensorboard/` in the run's own.
    """

    def __init__(self, log_dir: Path | None = None) -> None:
        self._log_dir = log_dir
        self._writer: SummaryWriter | None = None

    def zoo_run_started(self, run: Run) -> None:
        """Open a file; what an earlier one has of epochs that are trained again is not shown."""
        folder = run.path / "tensorboard" if self._log_dir is None else self._log_dir / run.name
        held = num_epochs(run)
        is_resumed = bool(run.record["stretches"])
        self._writer = SummaryWriter(str(folder), purge_step=held + 1 if is_resumed else None)
        self._writer.add_text("recipe", _table(hyperparameters(run)), held)
        self._writer.add_text("run", _table(tags(run)), held)
        self._writer.flush()

    def zoo_epoch_ended(self, run: Run, epoch: int, metrics: Mapping[str, float]) -> None:
        """Write a point of each curve, whose x axis are epochs."""
        for name, value in measured(run, epoch, metrics).items():
            self._opened.add_scalar(name, value, epoch)
        self._opened.flush()

    def zoo_run_ended(self, run: Run, outcome: str) -> None:
        """Write the outcome, and the row of the table of hyperparameters."""
        held = num_epochs(run)
        with self._opened as writer:
            writer.add_text("outcome", outcome, held)
            # "." is this folder: add_hparams would make another one for each call.
            writer.add_hparams(hyperparameters(run), final(run), run_name=".", global_step=held)

    @property
    def _opened(self) -> SummaryWriter:
        if self._writer is None:
            raise RuntimeError("the event file could not be opened")
        return self._writer


def _table(rows: Mapping[str, object]) -> str:
    """Return a table in Markdown, as TensorBoard shows texts."""
    lines = (f"| {key} | {str(value).replace('|', '&#124;')} |" for key, value in rows.items())
    return "\n".join(["| key | value |", "| --- | --- |", *lines])
