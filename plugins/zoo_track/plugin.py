"""Specs of the plugin `track`: programs that show trainings, each behind an extra."""

from zoo_registry import TrackerSpec, hookimpl


@hookimpl
def zoo_trackers() -> list[TrackerSpec]:
    """Return the trackers; what they need is imported where `--track` names them."""
    return [
        TrackerSpec(
            name="mlflow",
            build="zoo_track.mlflow:MLflow",
            summary="MLflow, a local store or a server (extra: mlflow)",
        ),
        TrackerSpec(
            name="tensorboard",
            build="zoo_track.tensorboard:TensorBoard",
            summary="TensorBoard event files in the run's folder (extra: tensorboard)",
        ),
        TrackerSpec(
            name="wandb",
            build="zoo_track.wandb:WandB",
            summary="Weights & Biases, online or offline (extra: wandb)",
        ),
    ]
