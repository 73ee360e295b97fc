"""Which parameters are trained, with which rate and decay, is chosen by their names."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import zoo
from zoo.errors import InvalidOption
from zoo.recipe._plan import DEFAULTS
from zoo.training._groups import frozen, frozen_modules, parameter_groups
from zoo_optim.muon import Muon


class Settings:
    """The fields of a recipe that groups depend on."""

    def __init__(self, lr=0.1, lr_scale=None, norm_decay=False):
        self.lr, self.lr_scale, self.norm_decay = lr, lr_scale or {}, norm_decay


def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 2))


def named(model, groups):
    """The groups with names in place of parameters."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return [{**group, "params": [names[id(p)] for p in group["params"]]} for group in groups]


def test_alike_parameters_are_one_flat_list():
    """An optimizer that knows no groups is given none."""
    model = net()
    groups = parameter_groups(model, Settings(), weight_decay=0.0)
    assert [id(p) for p in groups] == [id(p) for p in model.parameters()]


def test_norms_and_biases_are_spared_weight_decay():
    """They have one dimension; `norm_decay` takes them in again."""
    model = net()
    assert named(model, parameter_groups(model, Settings(), weight_decay=0.1)) == [
        {"params": ["0.weight", "3.weight"]},
        {"params": ["0.bias", "1.weight", "1.bias", "3.bias"], "weight_decay": 0.0},
    ]
    assert len(parameter_groups(model, Settings(norm_decay=True), weight_decay=0.1)) == 6


def test_rates_are_scaled_by_pattern_and_the_last_match_counts():
    """A pattern means a parameter, or a module with all that is in it."""
    model = net()
    groups = parameter_groups(model, Settings(lr_scale={"*": 0.5, "3": 10.0}), weight_decay=0.0)
    assert named(model, groups) == [
        {"params": ["0.weight", "0.bias", "1.weight", "1.bias"], "lr": 0.05},
        {"params": ["3.weight", "3.bias"], "lr": 1.0},
    ]


def deep():
    """Four matrices, each with a bias."""
    return nn.Sequential(*(nn.Linear(4, 4) for _ in range(4)))


def test_matrices_keep_the_models_order():
    """Muon tells input and output layers by it; a factor in between begins a group of its own."""
    model = deep()
    groups = parameter_groups(model, Settings(lr_scale={"1.weight": 2.0, "*.bias": 3.0}), 0.0)
    assert named(model, groups) == [
        {"params": ["0.weight"]},
        {"params": ["0.bias", "1.bias", "2.bias", "3.bias"], "lr": pytest.approx(0.3)},
        {"params": ["1.weight"], "lr": 0.2},
        {"params": ["2.weight", "3.weight"]},
    ]


@given(
    factors=st.lists(st.sampled_from([1.0, 0.5, 2.0]), min_size=8, max_size=8),
    decay=st.sampled_from([0.0, 0.1]),
    norm_decay=st.booleans(),
)
def test_groups_hold_every_parameter_once_with_what_is_its_own(factors, decay, norm_decay):
    """Whatever the patterns; the order of the matrices is the model's."""
    model = deep()
    own = dict(model.named_parameters())
    scale = dict(zip(own, factors, strict=True))
    groups = parameter_groups(model, Settings(lr_scale=scale, norm_decay=norm_decay), decay)
    if isinstance(groups[0], nn.Parameter):
        groups = [{"params": groups}]
    rows = [(name, group) for group in named(model, groups) for name in group["params"]]
    assert sorted(name for name, _ in rows) == sorted(own)
    matrices = [name for name, _ in rows if own[name].ndim > 1]
    assert matrices == [name for name in own if own[name].ndim > 1]
    for name, group in rows:
        assert group.get("lr", 0.1) == pytest.approx(0.1 * scale[name])
        spared = decay > 0 and not norm_decay and own[name].ndim == 1
        assert group.get("weight_decay", decay) == (0.0 if spared else decay)


def test_muon_leaves_the_head_to_adamw_whatever_its_rate():
    """As without `lr_scale`: its update is no matrix to orthogonalize."""
    model = deep()
    scaled = parameter_groups(model, Settings(lr_scale={"1.weight": 0.5, "2": 2.0}), 0.1)
    taken = [
        {id(p) for group in Muon(groups).param_groups if group["use_muon"] for p in group["params"]}
        for groups in (model.parameters(), scaled)
    ]
    assert taken == [{id(model[1].weight), id(model[2].weight)}] * 2


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"freeze": ["3.wieght"]}, r"freeze: no parameter matches '3.wieght'; did you mean 3"),
        ({"lr_scale": {"stem*": 2.0}}, r"lr_scale: no parameter matches 'stem\*'; there are 0\."),
        ({"freeze": ["*"]}, "no parameters to train"),
    ],
)
def test_a_pattern_that_matches_nothing_is_an_error(settings, text):
    """A slip in a name would train what was to stay."""
    with pytest.raises(InvalidOption, match=text):
        zoo.train(net(), blobs(), progress=False, device="cpu", **settings)
    assert zoo.list_runs() == []


def blobs():
    torch.manual_seed(1)
    samples = torch.randn(40, 4)
    return samples, (samples.sum(1) > 0).long()


def test_what_is_frozen_does_not_move_nor_do_its_statistics():
    """And once the training is over, the model is as trainable as before."""
    model = net()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    run = zoo.train(
        model, blobs(), epochs=2, lr=0.1, device="cpu", progress=False, freeze=["0", "1"]
    )
    after = model.state_dict()
    still = [name for name in before if torch.equal(before[name], after[name])]
    assert still == [name for name in before if not name.startswith("3")]
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert run.recipe["freeze"] == ["0", "1"]


def test_modules_are_frozen_where_all_they_have_is():
    """A ReLU has nothing, and is neither."""
    model = net()
    assert frozen_modules(model, ["0", "1.weight", "1.bias"]) == [model[0], model[1]]
    assert frozen_modules(model, ["1.weight"]) == []


def test_freezing_ends_with_the_block():
    """Also what the user had frozen stays so."""
    model = net()
    model[3].requires_grad_(False)
    with frozen(model, ["0.*"]):
        trained = [name for name, p in model.named_parameters() if p.requires_grad]
        assert trained == ["1.weight", "1.bias"]
    assert [p.requires_grad for p in model.parameters()] == [True] * 4 + [False] * 2


def test_groups_are_trained_at_their_own_rates():
    """A factor of 0 is a rate of 0; schedulers scale each group's own."""
    model = net()
    head = model[3].weight.detach().clone()
    zoo.train(
        model,
        blobs(),
        epochs=1,
        optimizer="sgd",
        lr=0.1,
        scheduler="cosine",
        device="cpu",
        progress=False,
        lr_scale={"3": 0.0},
    )
    assert torch.equal(model[3].weight, head)
    assert not torch.equal(model[0].weight, net()[0].weight)


def test_groups_are_off_by_default():
    """Without patterns all are trained, at one rate."""
    assert (DEFAULTS["freeze"], DEFAULTS["lr_scale"], DEFAULTS["norm_decay"]) == ((), {}, False)
