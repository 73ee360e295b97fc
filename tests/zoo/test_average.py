"""The averaged weights are a mean over the steps, and are what is measured and stored."""

import copy

import torch
from safetensors.torch import load_file
from torch import nn

import zoo
from zoo.checkpoints import MODEL, checkpoints
from zoo.training._average import Average


def test_the_average_is_the_recursion_of_its_definition():
    """Decay min(d, (1 + t) / (10 + t)), buffers of floats included, counters taken as they are."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    average = Average(model, 0.3)
    expected = {k: v.clone() for k, v in model.state_dict().items() if v.is_floating_point()}
    for step in range(1, 8):
        model(torch.randn(8, 2))
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter))
        average.update()
        decay = min(0.3, (1 + step) / (10 + step))
        for name, value in model.state_dict().items():
            if name in expected:
                expected[name] = decay * expected[name] + (1 - decay) * value
    newest = copy.deepcopy(model.state_dict())
    with average.applied():
        for name, value in expected.items():
            torch.testing.assert_close(model.state_dict()[name], value)
        assert model.state_dict()["1.num_batches_tracked"] == 7
    for name, value in newest.items():
        assert torch.equal(model.state_dict()[name], value)


def test_a_run_stores_the_average_and_the_module_keeps_the_newest():
    """`model.safetensors` is what the metrics were measured on."""
    torch.manual_seed(0)
    samples = torch.randn(64, 3)
    labels = (samples[:, 0] > 0).long()
    torch.manual_seed(1)
    model = nn.Linear(3, 2)
    run = zoo.train(
        model,
        (samples, labels),
        epochs=1,
        batch_size=8,
        lr=0.5,
        ema=0.9,
        device="cpu",
        progress=False,
    )
    last = load_file(checkpoints(run.path)[0] / MODEL)
    assert torch.equal(last["weight"], model.weight)
    stored = load_file(run.weights)
    assert not torch.allclose(stored["weight"], last["weight"])
    averaged = nn.Linear(3, 2)
    zoo.load_weights(averaged, run.weights)
    held_out = zoo.as_splits((samples, labels)).test
    loss = nn.functional.cross_entropy(averaged(held_out.samples), held_out.labels)
    assert abs(loss.item() - run.metrics["loss"]) < 1e-6
    assert run.recipe["ema"] == 0.9
