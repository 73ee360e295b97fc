"""The plugin in the documentation is a package: pip installs it, zoo finds it and trains it."""

import copy
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import safetensors.torch
import torch

EXAMPLE = Path(__file__).parents[1] / "fixtures" / "acme-zoo"
PIP = [sys.executable, "-m", "pip", "--isolated", "--disable-pip-version-check"]
OFFLINE = ["--no-cache-dir", "--no-index", "--no-deps", "--no-build-isolation", "--no-compile"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A folder of packages with the example in it, built and installed by pip."""
    target = tmp_path_factory.mktemp("site-packages")
    done = subprocess.run(
        [*PIP, "install", *OFFLINE, "--target", str(target), str(EXAMPLE)],
        env={**os.environ, "TMPDIR": str(tmp_path_factory.mktemp("pip"))},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return target


@pytest.fixture
def zoo(installed, tmp_path):
    """Run `zoo` in a process that finds the example; return what it said, line by line of JSON."""

    def run(*arguments):
        path = os.pathsep.join([str(installed), *filter(None, [os.environ.get("PYTHONPATH")])])
        done = subprocess.run(
            [sys.executable, "-m", "zoo", *arguments, "--json"],
            env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
            cwd=tmp_path,
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def acme(installed, monkeypatch):
    """The example's package on this process's path, forgotten afterwards."""
    monkeypatch.syspath_prepend(installed)
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "acme_zoo"]:
        del sys.modules[name]


def test_zoo_lists_what_the_example_offers(zoo):
    """A stranger's plugin appears with its distribution and version, as soon as it is installed."""
    listed = json.loads(zoo("list", "*", "--plugin", "acme"))
    assert [(entry["name"], entry["kind"]) for entry in listed] == [
        ("acme/lion", "optimizer"),
        ("acme/tiny-net", "model"),
        ("acme/two-moons", "dataset"),
    ]
    assert {(entry["distribution"], entry["version"]) for entry in listed} == {
        ("acme-zoo", "0.1.0")
    }
    assert all(entry["summary"] for entry in listed)


def test_the_example_is_sound(zoo):
    """`zoo plugins` finds no fault with it, and its import costs next to nothing."""
    (plugin,) = [plugin for plugin in json.loads(zoo("plugins")) if plugin["name"] == "acme"]
    assert (plugin["faults"], plugin["offers"]) == ([], 3)
    assert plugin["import_seconds"] < 0.5


def test_its_options_are_shown(zoo):
    """What the signature says, less what the loop or the dataset fills."""
    options = {option["name"]: option for option in json.loads(zoo("info", "two-moons"))["options"]}
    assert {name: option["default"] for name, option in options.items()} == {
        "samples": 2000,
        "noise": 0.1,
        "seed": 0,
    }
    assert options["noise"]["type"] == "float"


def test_its_model_and_optimizer_train(zoo):
    """`tiny-net` learns digits with `lion`; its weights load with plain safetensors and torch."""
    said = zoo("train", "tiny-net", "--dataset", "digits", "--optimizer", "lion", "--epochs", "2")
    first, second, outcome = map(json.loads, said.splitlines())
    assert (first["epoch"], second["epoch"]) == (1, 2)
    assert second["train_loss"] < first["train_loss"]
    assert outcome["state"] == "done"
    assert outcome["metrics"]["accuracy"] > 0.4  # chance is 0.1

    run = Path(outcome["path"])
    assert run.is_relative_to(os.environ["ZOO_HOME"])
    weights = safetensors.torch.load_file(run / "model.safetensors")
    assert {name: tuple(tensor.shape) for name, tensor in weights.items()} == {
        "hidden.weight": (64, 784),
        "hidden.bias": (64,),
        "head.weight": (10, 64),
        "head.bias": (10,),
    }
    same = torch.load(run / "model.pth", weights_only=True)
    assert same.keys() == weights.keys()
    assert all(torch.equal(same[name], weights[name]) for name in same)


def test_its_dataset_trains_a_model_of_another_plugin(zoo):
    """`mlp` is told by `two-moons` how many features and classes there are."""
    said = zoo("train", "mlp", "--dataset", "two-moons", "--epochs", "5", "--lr", "0.01")
    outcome = json.loads(said.splitlines()[-1])
    assert outcome["metrics"]["accuracy"] > 0.85
    weights = safetensors.torch.load_file(Path(outcome["path"]) / "model.safetensors")
    shapes = [tuple(tensor.shape) for name, tensor in weights.items() if name.endswith("weight")]
    assert sorted(shapes) == [(2, 128), (128, 2)]


def test_tiny_net_scores_any_sample(acme):
    """Flattened, whatever its shape; every parameter learns."""
    from acme_zoo.nets import TinyNet

    net = TinyNet(in_features=12, num_classes=5, width=7, dropout=0.5)
    logits = net(torch.rand(4, 3, 2, 2))
    assert (logits.shape, logits.dtype) == ((4, 5), torch.float32)
    logits.square().sum().backward()
    assert all(weight.grad.any() for weight in net.parameters())
    samples = torch.rand(4, 12)
    assert torch.equal(net.eval()(samples), net(samples))


def test_two_moons_are_half_circles(acme, tmp_path):
    """Without noise: the upper half around (0, 0), the lower around (1, 0.5), radius 1."""
    from acme_zoo.data import two_moons

    splits = two_moons(tmp_path, samples=100, noise=0.0)
    assert (len(splits.train), len(splits.test)) == (80, 20)
    assert splits.classes == ("upper", "lower")
    points, labels = splits.train.batch(torch.arange(80))
    assert (points.dtype, labels.dtype) == (torch.float32, torch.int64)
    assert labels.sum() == 40
    centres = torch.tensor([[0.0, 0.0], [1.0, 0.5]])[labels]
    torch.testing.assert_close((points - centres).norm(dim=1), torch.ones(80))
    assert torch.equal(points[:, 1] > centres[:, 1], labels == 0)


def test_two_moons_are_the_same_every_time(acme, tmp_path):
    """A seed names one set of points, whatever torch's own generator did before."""
    from acme_zoo.data import two_moons

    first = two_moons(tmp_path).train.samples
    torch.rand(3)
    assert torch.equal(two_moons(tmp_path).train.samples, first)
    assert not torch.equal(two_moons(tmp_path, seed=1).train.samples, first)
    assert list(tmp_path.iterdir()) == []


def test_lion_steps_as_its_paper_says(acme):
    """Compared with algorithm 2 of Chen et al. 2023, written number by number."""
    from acme_zoo.optim import Lion

    lr, beta1, beta2, decay = 0.02, 0.8, 0.95, 0.1
    weights = torch.tensor([0.5, -1.0, 2.0], requires_grad=True)
    unused = torch.ones(1, requires_grad=True)
    optimizer = Lion([weights, unused], lr, betas=(beta1, beta2), weight_decay=decay)
    expected, momentum = weights.tolist(), [0.0, 0.0, 0.0]
    for step in range(20):
        gradient = [(-1) ** step * 0.3, 0.1 * step - 1, 0.0 if step < 3 else 1.0]
        weights.grad = torch.tensor(gradient)
        optimizer.step()
        for i, g in enumerate(gradient):
            c = beta1 * momentum[i] + (1 - beta1) * g
            sign = (c > 0) - (c < 0)
            expected[i] -= lr * (sign + decay * expected[i])
            momentum[i] = beta2 * momentum[i] + (1 - beta2) * g
    torch.testing.assert_close(weights.detach(), torch.tensor(expected))
    assert unused.item() == 1


def test_lion_is_an_optimizer_of_torch(acme):
    """Groups keep their rates, a closure is called with gradients on, and its state is stored."""
    from acme_zoo.optim import Lion

    def loss():
        optimizer.zero_grad()
        total = (slow**2 + quick**2).sum()
        total.backward()
        return total

    slow, quick = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    optimizer = Lion([{"params": [slow]}, {"params": [quick], "lr": 0.1}], lr=0.01)
    assert optimizer.step(loss).item() == 4
    torch.testing.assert_close(slow.detach(), torch.full((2,), 0.99))
    torch.testing.assert_close(quick.detach(), torch.full((2,), 0.9))

    stored = copy.deepcopy(optimizer.state_dict())
    again = Lion([{"params": [slow]}, {"params": [quick], "lr": 0.1}], lr=0.01)
    again.load_state_dict(stored)
    assert torch.equal(again.state[quick]["momentum"], optimizer.state[quick]["momentum"])
