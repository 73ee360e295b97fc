"""A head for another number of classes is replaced on request, and nothing else ever is."""

import pytest
import torch
from torch import nn

from zoo.errors import IncompatibleWeights
from zoo.weights import load_weights, save_weights


class Net(nn.Module):
    """Two heads on one trunk, as nets with an auxiliary loss have them."""

    def __init__(self, num_classes: int, width: int = 6, words: int = 9, *, conv=False) -> None:
        super().__init__()
        self.embed = nn.Embedding(words, 4)
        self.trunk = nn.Sequential(nn.Linear(4, width), nn.BatchNorm1d(width))
        self.auxiliary = nn.Linear(width, num_classes)
        self.head = nn.Conv2d(width, num_classes, 1) if conv else nn.Linear(width, num_classes)


@pytest.fixture(params=[".safetensors", ".pth"])
def file(request, tmp_path):
    return tmp_path / f"net{request.param}"


def values(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


@pytest.mark.parametrize("wrap", [lambda net: net, nn.DataParallel])
@pytest.mark.parametrize("conv", [False, True])
def test_a_head_is_kept_as_the_model_has_it_on_request(file, conv, wrap):
    """The trunk is the file's, the head the fresh model's; the report names both."""
    stored, model = Net(10, conv=conv), wrap(Net(3, conv=conv))
    save_weights(stored, file)
    fresh = values(model)
    report = load_weights(model, file, reset_head=True)
    heads = ("auxiliary.weight", "auxiliary.bias", "head.weight", "head.bias")
    assert report.reset == heads
    assert set(report.loaded) == set(stored.state_dict()) - set(heads)
    assert report.missing == report.unexpected == report.mismatched == report.skipped == ()
    assert not report.complete
    assert 0 < report.fraction < 1
    for name, value in model.state_dict().items():
        bare = name.removeprefix("module.")
        expected = fresh[name] if bare in heads else stored.state_dict()[bare]
        assert torch.equal(value, expected), name
    assert "kept as the model has them: auxiliary.weight" in str(report)


def test_without_the_request_it_is_refused_with_both_ways_out(file):
    """Build it for as many classes, or ask."""
    save_weights(Net(10), file)
    model = Net(3)
    before = values(model)
    with pytest.raises(IncompatibleWeights, match="for 10 classes.*for 3.*reset_head=True"):
        load_weights(model, file)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_head_that_fits_is_loaded(file):
    """To ask for a reset is no order to throw away what fits."""
    stored, model = Net(3), Net(3)
    save_weights(stored, file)
    report = load_weights(model, file, reset_head=True)
    assert report.complete
    assert report.reset == ()
    assert torch.equal(model.head.weight, stored.head.weight)


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (lambda: Net(10, width=5), "a narrower trunk"),
        (lambda: Net(10, words=8), "other words as well as other classes"),
        (lambda: Net(3, words=8), "other words alone"),
        (lambda: Net(3, width=7), "a wider trunk alone"),
        (lambda: nn.Sequential(Net(10)), "other names"),
        (lambda: nn.Linear(6, 10), "another model"),
    ],
)
def test_whatever_else_differs_is_refused_all_the_same(file, other, why):
    """A reset head excuses heads only."""
    save_weights(other(), file)
    model = Net(3)
    before = values(model)
    with pytest.raises(IncompatibleWeights) as raised:
        load_weights(model, file, reset_head=True)
    assert "reset_head" not in str(raised.value), why
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_missing_tensor_is_refused_beside_a_reset_head(file):
    """And the report then says both."""
    state = Net(10).state_dict()
    del state["trunk.0.bias"]
    save_weights(state, file)
    with pytest.raises(IncompatibleWeights, match="missing from the file: trunk") as raised:
        load_weights(Net(3), file, reset_head=True)
    assert len(raised.value.report.reset) == 4


def test_a_head_tied_to_an_embedding_has_words_for_rows(file):
    """A language model's output is no head for classes."""

    def tied(words):
        net = nn.ModuleDict({"embed": nn.Embedding(words, 4), "head": nn.Linear(4, words, False)})
        net["head"].weight = net["embed"].weight
        return net

    save_weights(tied(9), file)
    with pytest.raises(IncompatibleWeights):
        load_weights(tied(5), file, reset_head=True)


def test_only_a_head_is_nothing_to_load(file):
    """A model of which everything would be reset got nothing from the file."""
    save_weights(nn.Linear(4, 10), file)
    with pytest.raises(IncompatibleWeights):
        load_weights(nn.Linear(4, 3), file, reset_head=True)
