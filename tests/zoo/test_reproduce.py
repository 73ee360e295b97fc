"""A recipe gives the same again, or what differs is said."""

import json

import click.testing
import numpy as np
import pytest
import torch
from killed_runs import Killed, Net, after, begin, images, kill

import zoo
from zoo._reproduced import compare
from zoo.cli._main import cli
from zoo.errors import CorruptWeights, InvalidData, UnknownName, UsageError

QUICK = {"dataset": "digits", "epochs": 1, "progress": False, "device": "cpu"}


def test_a_run_comes_out_the_same_again():
    """As a run of its own; the first one is left alone."""
    first = zoo.train("mlp", **QUICK, set={"model.hidden": [16]})
    found = zoo.reproduce(first.name, progress=False)
    assert found.identical
    assert found.differences == {}
    assert (found.original.name, found.again.name) == ("mlp-digits-1", "mlp-digits-2")
    assert found.again.recipe == first.recipe


def test_parts_of_ones_own_are_given_again():
    """The model as it was before; without them there is nothing to train."""
    run = begin(name="mine", loss=torch.nn.CrossEntropyLoss(), transform=torch.clone, workers=0)
    given = {"model": Net(), "dataset": images(), "loss": torch.nn.CrossEntropyLoss()}
    found = zoo.reproduce(run.path, **given, transform=torch.clone, progress=False)
    # What the net draws from Python's and numpy's generators is seeded too.
    assert found.identical
    with pytest.raises(InvalidData, match="a model of your own"):
        zoo.reproduce("mine", progress=False)


def test_what_differs_is_shown():
    """Each metric with both values, and the settings that may be why."""
    first = zoo.train("mlp", **QUICK, set={"model.hidden": [16]})
    other = zoo.train("mlp", **QUICK, seed=1, set={"model.hidden": [16]})
    found = compare(first, other)
    assert not found.identical
    assert found.differences["recipe"] == {"seed": (0, 1)}
    assert found.differences["metrics"]["loss"] == (first.metrics["loss"], other.metrics["loss"])


def run(*arguments):
    return click.testing.CliRunner().invoke(cli, list(arguments))


def test_the_command_says_bit_identical():
    """With exit code 0, and as JSON alone where that is asked for."""
    zoo.train("mlp", **QUICK, set={"model.hidden": [8]})
    told = run("reproduce", "mlp-digits-1")
    assert told.exit_code == 0, told.output
    assert "mlp-digits-2 is bit-identical to mlp-digits-1" in told.output
    as_json = run("reproduce", "mlp-digits-1", "--json")
    assert json.loads(as_json.stdout)["identical"] is True


def test_a_recipe_that_is_not_what_it_was_is_refused():
    """It would reproduce something else; and an unknown run is answered with the nearest."""
    first = zoo.train("mlp", **QUICK)
    recipe = first.path / "recipe.toml"
    recipe.write_text(recipe.read_text().replace("seed = 0", "seed = 3"))
    with pytest.raises(CorruptWeights, match=r"recipe\.toml"):
        zoo.reproduce("mlp-digits-1")
    with pytest.raises(UnknownName, match="mlp-digits-1"):
        zoo.reproduce("mlp-digits-2")


def test_a_run_that_did_not_come_to_its_end_is_none_to_compare_with():
    """Its recipe would train on, and differ: it is resumed first."""
    with pytest.raises(Killed):
        begin([after(6, kill, training=True)])
    with pytest.raises(UsageError, match=r"is failed.*`zoo resume killed` brings it to its end"):
        zoo.reproduce("killed", model=Net(), dataset=images(), progress=False)
    assert "zoo resume killed" in run("reproduce", "killed").exception.args[0]
    assert [found.name for found in zoo.list_runs()] == ["killed"]


def test_data_that_changed_are_named_with_what_became_of_the_metrics(tmp_path):
    """Exit code 1, each metric with its difference, and the fingerprint of the data."""
    rng = np.random.default_rng(0)
    table = {"x_train": rng.normal(size=(60, 4)).astype(np.float32), "y_train": np.arange(60) % 3}
    table |= {"x_test": table["x_train"][:20], "y_test": table["y_train"][:20]}
    np.savez(tmp_path / "table.npz", **table)
    first = zoo.train(
        "mlp", f"npz:{tmp_path / 'table.npz'}", **{k: v for k, v in QUICK.items() if k != "dataset"}
    )
    np.savez(tmp_path / "table.npz", **table | {"x_train": table["x_train"] + 1})
    told = run("reproduce", first.name)
    assert told.exit_code == 1
    lines = [line.split() for line in told.output.splitlines()]
    (loss,) = [line for line in lines if line[:2] == ["metrics", "loss"]]
    assert float(loss[4]) == pytest.approx(float(loss[3]) - float(loss[2]), abs=1e-4)
    assert ["data", "fingerprint"] in [line[:2] for line in lines]
    assert json.loads(run("reproduce", first.name, "--json").stdout)["differences"]["data"]
