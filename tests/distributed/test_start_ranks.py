"""Ranks start from the weights that a recipe names, each of them, and store what one would."""

import sys

import pytest
import torch

import zoo
from zoo.weights import read_state_dict

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="ranks need gloo and signals")

STILL = {"epochs": 1, "optimizer": "sgd", "lr": 1e-30, "progress": False, "device": "cpu"}
"""A rate at which no float32 moves: what comes out is what it started from."""


def train(**changes):
    return zoo.train("mlp", "digits", set={"model.hidden": [16]}, **STILL | changes)


@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_ranks_start_from_weights(parallel):
    """Those of the first rank are not sent to the others, for they have them already."""
    first = train(lr=0.1, seed=7)
    run = train(weights=first.name, parallel=parallel, ranks=2)
    expected, found = read_state_dict(first.weights), read_state_dict(run.weights)
    assert list(found) == list(expected)
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    assert run.record["parent"] == first.name
