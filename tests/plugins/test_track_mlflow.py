"""The tracker `mlflow`, read back with MLflow's own client from its local store."""

import importlib.util
import json

import pytest
from tracked_runs import expected, run

from zoo.runs import open_run

pytestmark = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("mlflow", "alembic"))),
    reason="pip install 'zoo-registry[mlflow]'",
)

SCRIPT = """
from mlflow import MlflowClient

uri = f"sqlite:///{Path.cwd()}/mlflow.db"  # as MLflow itself chooses, but said
options = {"tracking_uri": uri, "experiment": "written", "log_model": True}
settings = {f"track.mlflow.{name}": value for name, value in options.items()}
train(track="mlflow", set={**settings, "model.hidden": [32, 16]}, name="whole")
from mlflow.telemetry import get_telemetry_client
assert get_telemetry_client() is None
assert "MLFLOW_DISABLE_TELEMETRY" not in os.environ

# One that is stopped, after which a process is killed that had logged an epoch more.
stopped(track="mlflow", name="cut")
client = MlflowClient()
(known,) = client.search_runs([client.get_experiment_by_name("zoo").experiment_id])
assert known.info.status == "KILLED", known.info.status
for name in known.data.metrics:
    if not name.startswith("final/"):
        client.log_metric(known.info.run_id, name, 7.0, step=2)
# One that is killed before its first checkpoint, so that nothing tells where it is tracked.
early = stopped(track="mlflow", name="early")
shutil.rmtree(early.path / "checkpoints")
zoo.resume("early", progress=False)

Path("elsewhere").mkdir()
os.chdir("elsewhere")
zoo.resume("cut", progress=False)
assert not Path("mlflow.db").exists()

def read(uri, experiment="zoo"):
    client = MlflowClient(uri)
    (where,) = client.search_experiments(filter_string=f"name = '{experiment}'")
    for run in client.search_runs([where.experiment_id]):
        names = run.data.metrics
        print(json.dumps({
            "id": run.info.run_id,
            "name": run.info.run_name,
            "status": run.info.status,
            "params": run.data.params,
            "tags": run.data.tags,
            "curves": {
                name: [(p.step, p.value) for p in client.get_metric_history(run.info.run_id, name)]
                for name in names
            },
            "artifacts": [file.path for file in client.list_artifacts(run.info.run_id)],
        }))

read(uri, "written")
read(uri)
"""


def curves(told):
    """The points of the curves; the final metrics apart."""
    return {
        name: [tuple(point) for point in points]
        for name, points in told["curves"].items()
        if not name.startswith("final/")
    }


@pytest.fixture(scope="module")
def tracked(tmp_path_factory):
    """What MLflow tells of each run, and the run; by their names."""
    folder = tmp_path_factory.mktemp("mlflow")
    home = folder / "home"
    lines = run(folder, SCRIPT, ZOO_HOME=str(home), ZOO_OFFLINE="1").splitlines()
    entries = list(map(json.loads, lines))
    assert sorted(entry["name"] for entry in entries) == ["cut", "early", "whole"]
    return {entry["name"]: (entry, open_run(home / "runs" / entry["name"])) for entry in entries}


def test_a_training_is_read_back(tracked):
    """Parameters, curves, tags, final metrics, and the weights where they are asked for."""
    told, stored = tracked["whole"]
    assert told["status"] == "FINISHED"
    assert told["params"]["model.hidden"] == "[32, 16]"
    assert told["params"]["optimizer"] == "optim/adamw"
    assert told["tags"]["zoo.path"] == str(stored.path)
    assert told["tags"]["zoo.data"] == stored.record["data"]["fingerprint"]
    assert curves(told) == expected(stored)
    assert told["curves"]["final/accuracy"] == [[3, stored.metrics["accuracy"]]]
    assert told["artifacts"] == ["model.safetensors"]


@pytest.mark.parametrize("name", ["cut", "early"])
def test_a_run_goes_on_where_it_is_tracked(tracked, name):
    """In another folder too; known by what it had kept, or by its tag. Each epoch is there once."""
    told, stored = tracked[name]
    assert (stored.state, stored.record["plugin_failures"]) == ("done", {})
    assert told["status"] == "FINISHED"
    steps = {name: [step for step, _ in points] for name, points in curves(told).items()}
    assert steps == {curve: [1, 2, 3] for curve in expected(stored)}
    assert told["curves"]["final/accuracy"][-1] == [3, stored.metrics["accuracy"]]
    assert told["artifacts"] == []


def test_what_was_logged_is_not_logged_again(tracked):
    """The points of the process that was killed stay."""
    told, _ = tracked["cut"]
    assert {dict(points)[2] for points in curves(told).values()} == {7.0}
