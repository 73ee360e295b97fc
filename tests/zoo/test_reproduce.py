"""A recipe gives the same again, or what differs is said."""

import json

import click.testing
import pytest
import torch
from killed_runs import Net, begin, images

import zoo
from zoo._reproduced import compare
from zoo.cli._main import cli
from zoo.errors import CorruptWeights, InvalidData, UnknownName

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
