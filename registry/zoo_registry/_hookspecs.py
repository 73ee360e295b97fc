"""The hooks. Each docstring is the contract with a plugin's author."""

from collections.abc import Mapping, Sequence
from typing import Any

from ._markers import hookspec
from ._specs import DatasetSpec, LossSpec, ModelSpec, OptimizerSpec, SchedulerSpec, TrackerSpec


@hookspec
def zoo_models() -> Sequence[ModelSpec]:  # type: ignore[empty-body]
    """Return the models this plugin offers."""


@hookspec
def zoo_datasets() -> Sequence[DatasetSpec]:  # type: ignore[empty-body]
    """Return the datasets this plugin offers."""


@hookspec
def zoo_optimizers() -> Sequence[OptimizerSpec]:  # type: ignore[empty-body]
    """Return the optimizers this plugin offers."""


@hookspec
def zoo_losses() -> Sequence[LossSpec]:  # type: ignore[empty-body]
    """Return the losses this plugin offers."""


@hookspec
def zoo_schedulers() -> Sequence[SchedulerSpec]:  # type: ignore[empty-body]
    """Return the learning-rate schedulers this plugin offers."""


@hookspec
def zoo_trackers() -> Sequence[TrackerSpec]:  # type: ignore[empty-body]
    """Return the trackers this plugin offers."""


@hookspec
def zoo_commands(cli: Any) -> None:
    """Add subcommands to `cli`, a `click.Group`; the names of zoo's own commands are taken."""


@hookspec
def zoo_run_started(run: Any) -> None:
    """Be told that `run` (a `zoo.Run`) is about to take its first step."""


@hookspec
def zoo_epoch_ended(run: Any, epoch: int, metrics: Mapping[str, float]) -> None:
    """Be told an epoch's metrics, as written to `metrics.jsonl`; `epoch` counts from 1."""


@hookspec
def zoo_checkpoint_saved(run: Any, path: Any) -> None:
    """Be told that weights or a checkpoint are durable at `path` (a `pathlib.Path`)."""


@hookspec
def zoo_state(run: Any) -> Any:
    """Return what the plugin wants kept in a checkpoint: tensors, numbers, texts, lists, dicts."""


@hookspec
def zoo_restore(run: Any, state: Any) -> None:
    """Go on from `state`, what `zoo_state` returned: `run` is resumed from that checkpoint."""


@hookspec
def zoo_run_ended(run: Any, outcome: str) -> None:
    """Be told how the run ended: `done`, `stopped` or `failed`."""
