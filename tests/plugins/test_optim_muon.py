"""Muon on hidden matrices, AdamW on the rest: one optimizer, step for step torch's own two."""

import copy
import io
import pickle
import weakref

import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from zoo_optim.muon import Muon
from zoo_registry import InvalidOption


def make_net() -> nn.Sequential:
    """Return a convolutional network with two hidden layers for images (B, 1, 8, 8)."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 12, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(192, 24),
        nn.ReLU(),
        nn.Linear(24, 10),
    )


def make_batch(size: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    """Return real handwritten digits (B, 1, 8, 8) in 0..1 and their classes (B,)."""
    digits = load_digits()
    images = torch.from_numpy(digits.images[:size]).float().unsqueeze(1) / 16
    return images, torch.from_numpy(digits.target[:size])


def backward(net: nn.Module, batch: tuple[torch.Tensor, torch.Tensor]) -> float:
    """Leave fresh gradients in `net` and return the loss."""
    net.zero_grad()
    loss = nn.functional.cross_entropy(net(batch[0]), batch[1])
    loss.backward()
    return loss.item()


def names_by_algorithm(net: nn.Module, optimizer: Muon) -> dict[bool, list[str]]:
    """Return the names of the parameters that Muon (True) and AdamW (False) train."""
    names = {param: name for name, param in net.named_parameters()}
    found: dict[bool, list[str]] = {True: [], False: []}
    for group in optimizer.param_groups:
        found[group["use_muon"]] += [names[param] for param in group["params"]]
    return found


def test_muon_takes_the_hidden_matrices_and_kernels():
    """Input layer, output layer, biases and norms go to AdamW, all between them to Muon."""
    net = make_net()
    found = names_by_algorithm(net, Muon(net.parameters()))
    assert found[True] == ["3.weight", "6.weight"]
    assert sorted(found[True] + found[False]) == sorted(name for name, _ in net.named_parameters())


def test_a_frozen_backbone_leaves_the_head_to_adamw():
    """Only trainable parameters count when input and output layers are told."""
    net = make_net()
    for layer in net[:-1]:
        layer.requires_grad_(False)
    assert names_by_algorithm(net, Muon(net.parameters()))[True] == []


def test_one_hidden_layer_is_adamw_alone():
    """Without a hidden matrix it is AdamW, step for step."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.Tanh(), nn.Linear(16, 10))
    twin = copy.deepcopy(net)
    ours = Muon(net.parameters(), lr=0.01, weight_decay=0.02)
    torchs = torch.optim.AdamW(twin.parameters(), lr=0.01, weight_decay=0.02, betas=(0.9, 0.95))
    for _ in range(3):
        backward(net, make_batch())
        backward(twin, make_batch())
        ours.step()
        torchs.step()
    for param, expected in zip(net.parameters(), twin.parameters(), strict=True):
        assert torch.equal(param, expected)


def test_vectors_in_disguise_are_no_matrices():
    """A class token (1, 1, D) or a column (R, 1) is a vector, and no matrix comes last for it."""
    params = [torch.rand(shape).requires_grad_() for shape in [(4, 4)] * 3 + [(1, 1, 4), (4, 1)]]
    optimizer = Muon(params)
    (hidden,) = [group["params"] for group in optimizer.param_groups if group["use_muon"]]
    assert [id(param) for param in hidden] == [id(params[1])]


@pytest.mark.parametrize("adjust_lr_fn", ["match_rms_adamw", "original"])
def test_steps_are_those_of_torchs_two_optimizers(adjust_lr_fn):
    """Each step equals torch's Muon on the flattened matrices and torch's AdamW on the rest."""
    net, twin = make_net(), make_net()
    ours = Muon(net.parameters(), lr=0.02, weight_decay=0.01, adjust_lr_fn=adjust_lr_fn)
    hidden = [twin[3].weight, twin[6].weight]
    flat = [param.detach().flatten(1) for param in hidden]
    muon = torch.optim.Muon(flat, lr=0.02, weight_decay=0.01, adjust_lr_fn=adjust_lr_fn)
    rest = [param for param in twin.parameters() if all(param is not h for h in hidden)]
    adamw = torch.optim.AdamW(rest, lr=0.02, weight_decay=0.01, betas=(0.9, 0.95))
    for _ in range(4):
        backward(net, make_batch())
        ours.step()
        backward(twin, make_batch())
        for view, param in zip(flat, hidden, strict=True):
            view.grad = param.grad.flatten(1)
        muon.step()
        adamw.step()
    for param, expected in zip(net.parameters(), twin.parameters(), strict=True):
        assert torch.equal(param, expected)


def test_channels_last_kernels_are_trained_too():
    """A kernel whose flattening is a copy gets the same update as one where it is a view."""
    net, twin = make_net(), make_net().to(memory_format=torch.channels_last)
    kernel = twin[3].weight
    assert not kernel.is_contiguous()
    optimizers = [Muon(module.parameters(), lr=0.02) for module in (net, twin)]
    for _ in range(3):
        for module, optimizer in zip((net, twin), optimizers, strict=True):
            backward(module, make_batch())
            optimizer.step()
    # Its convolutions sum in another order, and Newton-Schulz runs in bfloat16.
    torch.testing.assert_close(kernel, net[3].weight, atol=2e-3, rtol=0)
    assert not torch.allclose(kernel, make_net()[3].weight, atol=2e-2)


def test_trains_real_digits():
    """With its defaults and a usual rate it fits a batch of handwritten digits."""
    net, batch = make_net(), make_batch(256)
    optimizer = Muon(net.parameters(), lr=0.02)
    before = backward(net, batch)
    for _ in range(30):
        optimizer.step()
        after = backward(net, batch)
    assert after < 0.1 * before


def test_named_parameters_keep_their_names():
    """Given `(name, tensor)` pairs, each group holds the names of its parameters."""
    net = make_net()
    optimizer = Muon(net.named_parameters())
    names = dict(net.named_parameters())
    for group in optimizer.param_groups:
        for name, param in zip(group["param_names"], group["params"], strict=True):
            assert names[name] is param


def test_groups_keep_their_own_options():
    """Groups are split, and each part keeps the group's rate and decay."""
    net = make_net()
    groups = [
        {"params": net[:4].parameters(), "lr": 0.5, "weight_decay": 0.0},
        {"params": net[4:].parameters()},
    ]
    optimizer = Muon(groups, lr=0.25)
    found = [(g["use_muon"], g["lr"], g["weight_decay"]) for g in optimizer.param_groups]
    expected = [(True, 0.5, 0.0), (False, 0.5, 0.0), (True, 0.25, 0.1), (False, 0.25, 0.1)]
    assert found == expected


def test_a_group_that_says_use_muon_is_left_whole():
    """`use_muon` in a group overrides the rule of first and last."""
    net = make_net()
    head, body = [net[8].weight], [net[0].weight, net[3].weight, net[6].weight]
    optimizer = Muon([{"params": head, "use_muon": False}, {"params": body, "use_muon": True}])
    found = names_by_algorithm(net, optimizer)
    assert found == {True: ["0.weight", "3.weight", "6.weight"], False: ["8.weight"]}


def test_a_vector_for_muon_is_refused():
    """A bias in a group with `use_muon=True` is an error that says where it belongs."""
    with pytest.raises(InvalidOption, match=r"shape \(8,\).*use_muon=False"):
        Muon([{"params": make_net()[0].bias, "use_muon": True}])


def test_groups_added_later_go_to_adamw():
    """`add_param_group`, as when a backbone is unfrozen, trains the new parameters too."""
    net = make_net()
    optimizer = Muon(net[:8].parameters(), lr=0.01)
    optimizer.add_param_group({"params": net[8].parameters(), "lr": 0.002})
    assert (optimizer.param_groups[-1]["use_muon"], optimizer.param_groups[-1]["lr"]) == (
        False,
        0.002,
    )
    before = net[8].weight.clone()
    backward(net, make_batch())
    optimizer.step()
    assert not torch.equal(net[8].weight, before)


def test_a_scheduler_of_torch_drives_both():
    """The rate a scheduler sets is the rate of both algorithms: at 0 nothing moves."""
    net = make_net()
    optimizer = Muon(net.parameters(), lr=0.01)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: float(step == 0))
    backward(net, make_batch())
    optimizer.step()
    scheduler.step()
    before = copy.deepcopy(list(net.parameters()))
    backward(net, make_batch())
    optimizer.step()
    assert all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))


@pytest.mark.parametrize("way", ["deepcopy", "pickle", "state_dict", "torch.save"])
def test_goes_on_after_every_way_to_store_it(way):
    """Copied, pickled, or by its state_dict in memory and on disk, it goes on bit for bit."""
    net = make_net()
    optimizer = Muon(net.parameters(), lr=0.02)
    backward(net, make_batch())
    optimizer.step()
    if way == "deepcopy":
        twin, resumed = copy.deepcopy((net, optimizer))
    elif way == "pickle":
        twin, resumed = pickle.loads(pickle.dumps((net, optimizer)))
    else:
        twin, state = copy.deepcopy(net), optimizer.state_dict()
        if way == "torch.save":
            stored = io.BytesIO()
            torch.save(state, stored)
            stored.seek(0)
            state = torch.load(stored, weights_only=True)
        resumed = Muon(twin.parameters(), lr=0.5)
        resumed.load_state_dict(copy.deepcopy(state))
    for module, its_optimizer in ((net, optimizer), (twin, resumed)):
        backward(module, make_batch())
        its_optimizer.step()
    for param, expected in zip(twin.parameters(), net.parameters(), strict=True):
        assert torch.equal(param, expected)


def test_momentum_has_the_shape_of_its_parameter():
    """The stored state has the parameter's shape, as tools that shard or inspect it expect."""
    net = make_net()
    optimizer = Muon(net.parameters())
    backward(net, make_batch())
    optimizer.step()
    assert optimizer.state[net[3].weight]["momentum_buffer"].shape == net[3].weight.shape
    assert optimizer.state.keys() == set(net.parameters())


def test_zero_grad_clears_every_gradient():
    """After `zero_grad` no parameter of either algorithm holds a gradient."""
    net = make_net()
    optimizer = Muon(net.parameters())
    backward(net, make_batch())
    optimizer.zero_grad()
    assert all(param.grad is None for param in net.parameters())


def test_no_gradient_is_kept_alive():
    """Once cleared, the gradients' memory is free: the step holds on to none of them."""
    net = make_net()
    optimizer = Muon(net.parameters())
    backward(net, make_batch())
    gradients = [weakref.ref(param.grad) for param in net.parameters()]
    optimizer.step()
    optimizer.zero_grad()
    assert all(gradient() is None for gradient in gradients)


def test_a_closure_is_called_once_and_its_loss_returned():
    """`step(closure)` behaves as torch's do."""
    net = make_net()
    optimizer = Muon(net.parameters())
    losses = []

    def closure() -> float:
        losses.append(backward(net, make_batch()))
        return losses[-1]

    assert optimizer.step(closure) == losses[0]
    assert len(losses) == 1


def test_wrong_options_and_parameters_are_refused_as_torch_refuses_them():
    """Options out of range, no parameters and a bare tensor raise what torch's classes raise."""
    params = list(make_net().parameters())
    with pytest.raises(ValueError, match="beta"):
        Muon(params, betas=(1.5, 0.9))
    with pytest.raises(ValueError, match="momentum"):
        Muon(params, momentum=-1)
    with pytest.raises(ValueError, match="empty parameter list"):
        Muon([])
    with pytest.raises(TypeError, match="iterable"):
        Muon(torch.rand(4, 4, requires_grad=True))
