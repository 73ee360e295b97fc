"""A file that answers otherwise than its model is told, however small the model's outputs are."""

import pytest
import torch

from zoo.errors import ZooError
from zoo.exporting._compare import compare, expect

BATCHES = [torch.randn(size, 6, generator=torch.Generator().manual_seed(size)) for size in (1, 7)]


def net(*, scale=1.0, offset=0.0, classes=4):
    """A small network whose outputs are of this size, around this value; the same one each time."""
    draw = torch.Generator().manual_seed(0)
    first, last = (torch.randn(shape, generator=draw) / 3 for shape in ((6, 50), (50, classes)))

    def answers(samples, wrong=1.0):
        return (samples @ first).relu() @ (last * scale * wrong) + offset

    return answers


def compared(exported, model, *, apart=False):
    """How far apart the two are; refused where that is too much."""
    expected = expect(model, BATCHES, "net", apart=apart)
    return compare(exported, BATCHES, expected, "net", apart=apart)


@pytest.mark.parametrize("scale", [1e-8, 1e-5, 1e-2, 1.0, 1e4])
@pytest.mark.parametrize("wrong", [1.001, -1.0, 0.0, float("nan")])
def test_a_wrong_constant_is_told_whatever_the_size_of_the_outputs(scale, wrong):
    """By a thousandth, by the sign, or all of it."""
    model = net(scale=scale)
    with pytest.raises(ZooError, match="differs from the model by"):
        compared(lambda samples: model(samples, wrong), model)


@pytest.mark.parametrize("scale", [1e-8, 1e-5, 1.0, 1e4])
def test_what_float32_rounds_is_not(scale):
    """Three times the samples give three times the outputs, but for that."""
    model = net(scale=scale)
    found = compared(lambda samples: model(samples * 3) / 3, model)
    assert 0 < found.largest < found.tolerance / 10


def test_outputs_that_are_nearly_the_same_are_held_against_their_differences():
    """A graph that has lost what the samples are is not close for answering 5 each time."""
    model = net(scale=1e-3, offset=5.0)
    with pytest.raises(ZooError, match="differs from the model by"):
        compared(lambda samples: model(samples * 0), model)
    found = compared(lambda samples: model(samples * 3 / 3), model)
    assert found.largest <= found.tolerance


def test_a_small_target_beside_a_large_one_is_held_against_its_own_values():
    """Of a regression; scores of one kind are held against each other."""
    scales = torch.tensor([1000.0, 0.01])

    def model(samples):
        return net(classes=2)(samples) * scales

    def wrong(samples):
        return model(samples) * torch.tensor([1.0, 1.01])

    with pytest.raises(ZooError, match="differs from the model by"):
        compared(wrong, model, apart=True)
    compared(wrong, model)


def test_outputs_that_are_all_nothing_must_be_nothing():
    """As those of a network whose head starts at zero."""
    model = net(scale=0.0)
    assert compared(model, model).largest == 0
    with pytest.raises(ZooError, match="differs from the model by"):
        compared(lambda samples: model(samples) + 1e-6, model)


def test_what_has_no_row_for_each_sample_is_refused():
    """One number for all of them is nothing that zoo, or anybody, can read answers from."""
    with pytest.raises(ZooError, match=r"outputs of shape \(\) for 1 samples"):
        compared(net(), lambda samples: samples.sum())
