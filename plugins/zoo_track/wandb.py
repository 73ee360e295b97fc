"""Weights & Biases: a run there for each run here, sent at once or kept for `wandb sync`."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from zoo import Run
from zoo.home import offline
from zoo_registry import InvalidOption, UsageError

from ._facts import final, hyperparameters, identity, measured
from ._facts import tags as run_tags
from ._library import extra

with extra("wandb"):
    import wandb


class WandB:
    """Keeps the recipe as the config, each epoch's metrics, and how it ended.

    Args:
        project: Its name; None: WANDB_PROJECT, or "zoo".
        entity: User or team; None: WANDB_ENTITY, or your own.
        mode: "online", or "offline", for `wandb sync` later; None: WANDB_MODE, or online, but
            offline with ZOO_OFFLINE.
        group: Name under which runs are shown together.
        tags: Words to find it by.
        log_model: Whether the weights, model.safetensors, become an artifact in the end.
    """

    def __init__(
        self,
        project: str | None = None,
        entity: str | None = None,
        mode: Literal["online", "offline"] | None = None,
        group: str | None = None,
        tags: Sequence[str] = (),
        log_model: bool = False,
    ) -> None:
        self._where: dict[str, Any] = {
            "project": project or os.environ.get("WANDB_PROJECT") or "zoo",
            "entity": entity,
            "group": group,
            "tags": list(tags),
        }
        if mode == "online" and offline():
            raise InvalidOption("mode=online needs the network, and ZOO_OFFLINE is set")
        self._mode = mode or _mode()
        if self._mode == "online" and not _has_key():
            self._mode = "offline"
        self._log_model = log_model
        self._run: Any = None

    def zoo_run_started(self, run: Run) -> None:
        """Begin a run there, or go on with it: it is known by the same id."""
        self._run = wandb.init(
            **self._where,
            id=identity(run),
            name=run.name,
            config={**hyperparameters(run), **run_tags(run)},
            dir=os.environ.get("WANDB_DIR") or run.path,
            mode=self._mode,
            # Offline there is nobody to ask; `wandb sync` puts what has one id together.
            resume="allow" if self._mode == "online" else None,
            reinit="create_new",
            # Its copy of what is printed would take stdout from the bar and from --json.
            settings=wandb.Settings(console="off", disable_code=True, disable_git=True),
        )
        self._run.define_metric("*", step_metric="epoch")

    def zoo_epoch_ended(self, run: Run, epoch: int, metrics: Mapping[str, float]) -> None:
        """Log the epoch; one that was trained before is there, and W&B passes over it."""
        values = {"epoch": epoch, **measured(run, epoch, metrics)}
        self._run.log(values, step=epoch, commit=True)  # not held back until the next one

    def zoo_run_ended(self, run: Run, outcome: str) -> None:
        """Log what the stored weights reached, and end the run there."""
        self._run.summary.update({**final(run), "outcome": outcome})
        if self._log_model and run.weights.exists():
            artifact = wandb.Artifact(run.name, type="model")
            artifact.add_file(str(run.weights))
            self._run.log_artifact(artifact)
        self._run.finish(exit_code=int(outcome == "failed"))


def _has_key() -> bool:
    """Say whether there is a key; a person at a terminal is asked for one, or for none.

    Raises:
        UsageError: there is neither: found out after hours of training, it would be too late.
    """
    try:
        return wandb.login(verify=False)
    except wandb.errors.UsageError as error:
        raise UsageError(
            f"--track wandb: {error} To keep it on this machine: --set track.wandb.mode=offline"
        ) from error


def _mode() -> Any:
    """Return how W&B is to work where no option says it."""
    asked = os.environ.get("WANDB_MODE") or "online"
    return "offline" if offline() and asked != "disabled" else asked
