"""A model is loaded whole or left as it was, whatever its own code does on the way."""

import signal

import pytest
import torch
from torch import nn

from zoo.errors import IncompatibleWeights, UsageError
from zoo.weights import load_weights, save_weights


class Refusing(nn.Linear):
    """A layer whose own code for loading raises, once its values are in."""

    def _load_from_state_dict(self, *arguments):
        super()._load_from_state_dict(*arguments)
        raise ValueError("not on a Monday")


class Replacing(nn.Linear):
    """One that puts another parameter in the place of its own before it raises."""

    def _load_from_state_dict(self, *arguments):
        self.weight = nn.Parameter(torch.full_like(self.weight, 7))
        raise KeyError("scale")


@pytest.fixture(params=[".safetensors", ".pth"])
def file(request, tmp_path):
    stored = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Linear(3, 3), nn.Linear(3, 3))
    stored(torch.rand(8, 3))
    return save_weights(stored, tmp_path / f"net{request.param}").path


def model_with(layer: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), layer, nn.Linear(3, 3))


def snapshot(model):
    """Each tensor as the object that it is, and its values."""
    tensors = model.state_dict(keep_vars=True).values()
    return [(tensor, tensor.detach().clone()) for tensor in tensors]


def as_it_was(model, before) -> bool:
    after = list(model.state_dict(keep_vars=True).values())
    return len(after) == len(before) and all(
        now is tensor and torch.equal(now, value)
        for now, (tensor, value) in zip(after, before, strict=True)
    )


@pytest.mark.parametrize("layer", [Refusing, Replacing])
def test_code_of_a_model_that_raises_leaves_it_as_it_was(file, layer):
    """What was copied before is put back: values and the very objects."""
    model = model_with(layer(3, 3))
    before = snapshot(model)
    with pytest.raises(IncompatibleWeights, match="nothing was.*(Monday|scale)"):
        load_weights(model, file)
    assert as_it_was(model, before)


@pytest.mark.parametrize("kind", ["pre", "post"])
def test_a_hook_that_raises_leaves_the_model_as_it_was(file, kind):
    """Registered on one layer by whoever."""

    def hook(*_):
        raise RuntimeError("not this one")

    model = model_with(nn.Linear(3, 3))
    register = {
        "pre": model[3].register_load_state_dict_pre_hook,
        "post": model[3].register_load_state_dict_post_hook,
    }
    register[kind](hook)
    before = snapshot(model)
    with pytest.raises(IncompatibleWeights, match="not this one"):
        load_weights(model, file)
    assert as_it_was(model, before)


@pytest.mark.parametrize("own", [True, False])
def test_ctrl_c_in_the_middle_leaves_one_piece(file, own):
    """The old values where the model has code of its own for loading, else the new ones."""
    model = model_with(nn.Linear(3, 3))
    if own:
        model[2].register_load_state_dict_pre_hook(lambda *_: None)
    copied = []

    class Watched(nn.Parameter):
        def copy_(self, *arguments):
            copied.append(self)
            if len(copied) == 1:
                signal.raise_signal(signal.SIGINT)
            return super().copy_(*arguments)

    model[3].weight = Watched(model[3].weight.detach().clone())
    before = snapshot(model)
    with pytest.raises(KeyboardInterrupt):
        load_weights(model, file)
    if own:
        assert as_it_was(model, before)
    else:
        fresh = model_with(nn.Linear(3, 3))
        load_weights(fresh, file)
        pairs = zip(model.state_dict().values(), fresh.state_dict().values(), strict=True)
        assert all(torch.equal(one, other) for one, other in pairs)


def test_a_tensor_that_takes_no_values_is_told_before_any_is_copied(file):
    """One number in many places; torch would find out half way."""
    model = model_with(nn.Linear(3, 3))
    del model[3].bias
    model[3].register_buffer("bias", torch.ones(1).expand(3))
    before = snapshot(model)
    with pytest.raises(UsageError, match=r"'3\.bias' is an expanded view.*clone"):
        load_weights(model, file)
    assert as_it_was(model, before)


def test_a_model_made_for_inference_is_told_before_anything_is_copied(file):
    """Its tensors can be changed where they were made, and there only."""
    with torch.inference_mode():
        model = model_with(nn.Linear(3, 3))
    with pytest.raises(UsageError, match="inference_mode"):
        load_weights(model, file)
    with torch.inference_mode():
        assert load_weights(model, file).complete
