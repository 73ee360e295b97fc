"""MLflow: a run there for each run here, in a local store or on a server."""

import os
import time
from collections.abc import Mapping
from typing import Any

from zoo import Run

from ._facts import final, hyperparameters, identity, measured, num_epochs, tags
from ._library import extra, untold

with extra("mlflow"), untold():
    import mlflow
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param, RunTag

_STATUS = {"done": "FINISHED", "stopped": "KILLED", "failed": "FAILED"}
_MOST_PARAMS = 100
"""As many as MLflow takes at once."""
_LONGEST = 500
"""Characters of a parameter that every store takes."""


class MLflow:
    """Keeps the recipe as parameters, each epoch's metrics, and how it ended.

    Args:
        tracking_uri: Of the store or the server; None: MLFLOW_TRACKING_URI, or MLflow's own choice.
        experiment: Its name; None: MLFLOW_EXPERIMENT_NAME, or "zoo".
        log_model: Whether the weights, model.safetensors, become an artifact in the end.
    """

    def __init__(
        self,
        tracking_uri: str | None = None,
        experiment: str | None = None,
        log_model: bool = False,
    ) -> None:
        self._uri = tracking_uri
        self._experiment = experiment or os.environ.get("MLFLOW_EXPERIMENT_NAME") or "zoo"
        self._log_model = log_model
        self._known: dict[str, Any] = {}
        self._opened: tuple[MlflowClient, str] | None = None
        self._logged = 0

    def zoo_state(self) -> dict[str, Any]:
        """Keep where the run is tracked: MLflow's own choice depends on the working directory."""
        return self._known

    def zoo_restore(self, state: dict[str, Any]) -> None:
        """Go on there, unless another store is asked for now."""
        if self._uri in (None, state.get("tracking_uri")):
            self._known = dict(state)

    def zoo_run_started(self, run: Run) -> None:
        """Create a run there, or go on with it."""
        uri = self._known.get("tracking_uri") or self._uri or mlflow.get_tracking_uri()
        client = MlflowClient(tracking_uri=uri)
        run_id = self._known.get("run_id") or self._find(client, run)
        if run_id is None:
            run_id = self._create(client, run)
        else:
            client.update_run(run_id, status="RUNNING")
            points = client.get_metric_history(run_id, "lr")
            self._logged = max((point.step for point in points), default=0)
        self._opened = client, run_id
        self._known = {"tracking_uri": uri, "run_id": run_id}

    def zoo_epoch_ended(self, run: Run, epoch: int, metrics: Mapping[str, float]) -> None:
        """Log a point of each metric; those of an epoch that was trained before are there."""
        if epoch > self._logged:
            self._log(measured(run, epoch, metrics), epoch)

    def zoo_run_ended(self, run: Run, outcome: str) -> None:
        """Log what the stored weights reached, and end the run there."""
        client, run_id = self._where()
        self._log(final(run), num_epochs(run))
        if self._log_model and run.weights.exists():
            client.log_artifact(run_id, str(run.weights))
        client.set_terminated(run_id, _STATUS[outcome])

    def _find(self, client: MlflowClient, run: Run) -> str | None:
        """Find a run that was killed before its first checkpoint, by its tag."""
        experiment = client.get_experiment_by_name(self._experiment)
        if experiment is None or not run.record["stretches"]:
            return None
        wanted = f"tags.`zoo.id` = '{identity(run)}'"
        found = client.search_runs([experiment.experiment_id], wanted, max_results=1)
        return found[0].info.run_id if found else None

    def _create(self, client: MlflowClient, run: Run) -> str:
        experiment = client.get_experiment_by_name(self._experiment)
        where = (
            experiment.experiment_id if experiment else client.create_experiment(self._experiment)
        )
        run_id: str = client.create_run(where, run_name=run.name).info.run_id
        params = [Param(key, str(value)[:_LONGEST]) for key, value in hyperparameters(run).items()]
        for first in range(0, len(params), _MOST_PARAMS):
            client.log_batch(run_id, params=params[first : first + _MOST_PARAMS])
        client.log_batch(run_id, tags=[RunTag(key, value) for key, value in tags(run).items()])
        return run_id

    def _log(self, values: Mapping[str, float], step: int) -> None:
        client, run_id = self._where()
        now = int(time.time() * 1000)
        client.log_batch(run_id, [Metric(name, v, now, step) for name, v in values.items()])

    def _where(self) -> tuple[MlflowClient, str]:
        if self._opened is None:
            raise RuntimeError("no run could be opened in MLflow")
        return self._opened
