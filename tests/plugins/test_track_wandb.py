"""The tracker `wandb`, offline, read back with W&B's own reader of its files."""

import importlib.util
import json
import subprocess
import sys

import pytest
from tracked_runs import expected, run

import zoo

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("wandb") is None, reason="pip install 'zoo-registry[wandb]'"
)


def read(folder):
    """The records of a run's file, as `wandb leet inspect` prints them; by their type."""
    command = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, encoding="utf-8")
    records = {}
    for record in map(json.loads, done.stdout.splitlines()):
        records.setdefault(record["type"], []).append(record[record["type"]])
    return records


def curves(*files):
    """The points of the curves in files of one run, in their order."""
    found = {}
    for records in files:
        for row in (entry["item"] for entry in records["history"]):
            for name, value in row.items():
                if not name.startswith("_") and name != "epoch":
                    found.setdefault(name, []).append((row["epoch"], value))
    return found


def summary(records):
    """The last values of the summary."""
    return {name: value for entry in records["summary"] for name, value in entry["update"].items()}


def test_a_training_and_what_goes_on_with_it_are_read_back(tmp_path):
    """Two files of one run: the config, every epoch once, final metrics, outcome; no network.

    Where it should be sent and can't be, that is said before training.
    """
    script = """
        options = {"project": "digits", "group": "night", "tags": ["small", "fast"]}
        settings = {f"track.wandb.{name}": value for name, value in options.items()}
        stopped(track="wandb", set={**settings, "model.hidden": [32, 16]}, name="cut")
        zoo.resume("cut", progress=False, set={"track.wandb.log_model": True})
        try:  # a contradiction is the user's to solve
            train(track="wandb", set={"track.wandb.mode": "online"})
        except zoo.errors.InvalidOption as error:
            print(error)
        del os.environ["ZOO_OFFLINE"]
        try:
            train(track="wandb")
        except zoo.errors.UsageError as error:
            print(error)
    """
    nobody = {"HOME": str(tmp_path), "NETRC": str(tmp_path / "netrc"), "WANDB_API_KEY": ""}
    contradiction, keyless = run(tmp_path, script, WANDB_MODE="online", **nobody).splitlines()
    assert contradiction == "mode=online needs the network, and ZOO_OFFLINE is set"
    assert "wandb login" in keyless
    assert keyless.endswith("To keep it on this machine: --set track.wandb.mode=offline")
    (stored,) = zoo.list_runs()
    assert stored.record["plugin_failures"] == {}
    folders = sorted((stored.path / "wandb").glob("offline-run-*"))
    first, second = map(read, folders)
    assert not (tmp_path / "wandb").exists()
    begun = [records["run"][0] for records in (first, second)]
    assert begun[0]["run_id"] == begun[1]["run_id"]
    assert [entry["display_name"] for entry in begun] == ["cut", "cut"]
    assert (begun[0]["project"], begun[0]["run_group"]) == ("digits", "night")
    assert begun[0]["tags"] == ["small", "fast"]
    config = begun[0]["config"]["update"]
    assert (config["model.hidden"], config["optimizer"]) == ("[32, 16]", "optim/adamw")
    assert config["zoo.path"] == str(stored.path)
    assert curves(first, second) == expected(stored)
    assert summary(first)["outcome"] == "stopped"
    assert summary(second)["outcome"] == "done"
    assert summary(second)["final/accuracy"] == stored.metrics["accuracy"]
    (artifact,) = second["artifact"]
    assert (artifact["name"], artifact["type"]) == ("cut", "model")
    assert [entry["path"] for entry in artifact["manifest"]["contents"]] == ["model.safetensors"]
