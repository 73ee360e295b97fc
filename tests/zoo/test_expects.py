"""What a model expects of its samples reaches the dataset, where the user left it open."""

import pytest

from zoo.recipe import Plan
from zoo.training._source import first_available
from zoo_registry import DatasetSpec, Entry, InvalidOption, ModelSpec, Plugin, SpecError

NETS = """
from torch import nn

def build(kind, num_classes=2, image_size=8, weights=""):
    return nn.Flatten()

def expects(kind, weights="", image_size=None, **others):
    assert kind == "plain"
    wanted = {"image_size": image_size or 6, "mean": [0.25], "unheard_of": 1}
    return wanted if weights != "odd" else "nothing"

def wrong(**options):
    return {"image_size": "large"}
"""
DATA = """
import torch
from zoo import ArrayDataset
from zoo_registry import Splits

def sized(root, image_size: int = 4, mean: tuple[float, ...] = (), std: tuple[float, ...] = ()):
    images = torch.zeros(4, 1, image_size, image_size, dtype=torch.uint8)
    return Splits(train=ArrayDataset(images, torch.arange(4) % 2), mean=mean, std=std)

def fixed(root):
    return sized(root)
"""


@pytest.fixture
def plan(write_package):
    """Return what makes a plan for a model that expects something, and a dataset."""
    package = write_package(nets=NETS, data=DATA)
    plugin = Plugin("own", "own.plugin", "own-zoo", "1.0")

    def make(dataset="sized", expects="expects", **settings):
        model = ModelSpec(
            name="net",
            build=f"{package}.nets:build",
            arguments={"kind": "plain"},
            expects=f"{package}.nets:{expects}",
        )
        data = DatasetSpec(name=dataset, build=f"{package}.data:{dataset}")
        entries = {"model": Entry(model, plugin), "dataset": Entry(data, plugin)}
        names = {part: entry.name for part, entry in entries.items()}
        return Plan({**names, **settings}, entries)

    return make


def taken(plan, tmp_path):
    """The plan that is trained by, its splits, and what is said."""
    told = []
    found, splits = first_available([plan], None, tmp_path, told.append)
    return found, splits, told


def test_the_dataset_gets_what_it_has_options_for(plan, tmp_path):
    """Converted as the dataset's own types ask, in the recipe, and said in one line."""
    found, splits, told = taken(plan(), tmp_path)
    assert found.options("dataset") == {"image_size": 6, "mean": (0.25,)}
    assert splits.train.samples.shape[1:] == (1, 6, 6)
    assert splits.mean == (0.25,)
    assert told == ["own/net expects its samples with image_size=6, mean=(0.25) (dataset.*)"]


def test_what_the_user_said_stands(plan, tmp_path):
    """Of the dataset, and of the model, which is told of it."""
    settings = {"dataset.image_size": 5, "model.image_size": 7}
    found, _, told = taken(plan(**settings), tmp_path)
    assert found.options("dataset") == {"image_size": 5, "mean": (0.25,)}
    assert "image_size" not in told[0]
    found, _, _ = taken(plan(**{"model.image_size": 7}), tmp_path)
    assert found.options("dataset")["image_size"] == 7


def test_a_dataset_without_such_options_is_taken_as_it_is(plan, tmp_path):
    """And nothing is said."""
    found, splits, told = taken(plan("fixed"), tmp_path)
    assert found.options("dataset") == {}
    assert splits.train.samples.shape[1:] == (1, 4, 4)
    assert told == []


def test_a_stored_recipe_is_left_as_it_is(plan, tmp_path):
    """The sizes in it came from the data."""
    filled = {"model.num_classes": 2, "model.image_size": 4}
    stored = {"loss": "optim/cross-entropy", "monitor": "accuracy:max", "workers": 0, **filled}
    found, _, told = taken(plan(**stored), tmp_path)
    assert found.options("dataset") == {}
    assert told == []


def test_an_author_who_returns_nonsense_is_told(plan, tmp_path):
    """With the address, or with the option that it can't be."""
    with pytest.raises(SpecError, match="expects of own/net returned 'nothing', not a dict"):
        taken(plan(**{"model.weights": "odd"}), tmp_path)
    with pytest.raises(InvalidOption, match="dataset.image_size must be"):
        taken(plan(expects="wrong"), tmp_path)
