"""Options that only choose the weights to start with do not reach a model that gets others."""

import pytest

import zoo
from zoo.training import build_empty, build_module
from zoo_registry import Entry, ModelSpec, Plugin, SpecError

NET = """
from torch import nn

class Net(nn.Module):
    def __init__(self, num_classes=2, pretrained=False, width=4):
        super().__init__()
        self.pretrained = pretrained
        self.layer = nn.Linear(width, num_classes)
"""


@pytest.fixture
def entry(write_package):
    """A model with one option of the kind."""
    package = write_package(nets=NET)
    spec = ModelSpec(name="net", build=f"{package}.nets:Net", initial=("pretrained",))
    return Entry(spec, Plugin("own", "own.plugin", "own-zoo", "1.0"))


def test_they_are_left_out_where_weights_are_loaded(entry):
    """All others are kept."""
    options = {"pretrained": True, "width": 6, "num_classes": 3}
    fresh, empty = build_module(entry, **options), build_empty(entry, **options)
    assert (fresh.pretrained, empty.pretrained) == (True, False)
    assert empty.layer.weight.shape == (3, 6)


def test_they_are_names():
    """A forgotten comma is said where the spec is made."""
    with pytest.raises(SpecError, match="initial='pretrained' is not a tuple of names"):
        ModelSpec(name="net", build="own.nets:Net", initial="pretrained")


def test_by_default_there_are_none():
    """Every option of `zoo.create_model` reaches the builder."""
    assert ModelSpec(name="net", build="own.nets:Net").initial == ()
    assert zoo.create_model("mlp", in_features=4, num_classes=2) is not None
