"""The plugin `optim` offers what torch has, under addresses that need no torch to read."""

import inspect
import subprocess
import sys

import pytest
import torch

from zoo_optim import plugin
from zoo_registry import load, options_of, resolve

SPECS = [*plugin.zoo_optimizers(), *plugin.zoo_losses(), *plugin.zoo_schedulers()]
IDS = [f"{spec.kind}-{spec.name}" for spec in SPECS]

LEFT_OUT = {
    "LBFGS": "its step calls the model again, through a closure",
    "SparseAdam": "it takes sparse gradients only",
}


def test_every_dense_optimizer_of_torch_is_offered():
    """What torch.optim exports and the plugin offers are the same, but for two known exceptions."""
    base = torch.optim.Optimizer
    classes = [value for value in vars(torch.optim).values() if inspect.isclass(value)]
    exported = {c.__name__ for c in classes if issubclass(c, base) and c is not base}
    offered = {resolve(spec.address).__name__ for spec in plugin.zoo_optimizers()}
    assert offered == exported - LEFT_OUT.keys()


def test_optimizers_are_torchs_own():
    """Each optimizer is the class torch.optim exports, but for muon, which wraps it."""
    for spec in plugin.zoo_optimizers():
        found = resolve(spec.address)
        if spec.name != "muon":
            assert found is getattr(torch.optim, found.__name__)
            assert spec.name == found.__name__.lower()


def test_the_names_are_the_documented_ones():
    """Losses and schedulers carry the names that recipes are written with."""
    losses = [spec.name for spec in plugin.zoo_losses()]
    assert losses == ["bce-with-logits", "cross-entropy", "huber", "l1", "mse"]
    schedulers = [spec.name for spec in plugin.zoo_schedulers()]
    assert schedulers == [
        "constant",
        "cosine",
        "exponential",
        "one-cycle",
        "plateau",
        "step",
        "triangle",
    ]


def test_losses_serve_the_tasks_whose_targets_they_take():
    """Each task has at least one loss, and each loss says its task."""
    tasks = {spec.name: spec.task for spec in plugin.zoo_losses()}
    assert tasks == {
        "bce-with-logits": "multilabel",
        "cross-entropy": "classification",
        "huber": "regression",
        "l1": "regression",
        "mse": "regression",
    }


@pytest.mark.parametrize("spec", SPECS, ids=IDS)
def test_options_read_from_the_source_are_the_real_ones(spec):
    """Names, order and defaults of the options are those of the imported signature."""
    supplied = {"self", "params", "lr", "optimizer", "total_steps"}
    real = inspect.signature(resolve(spec.address)).parameters.values()
    read = options_of(spec)
    assert [o.name for o in read.options] == [p.name for p in real if p.name not in supplied]
    assert all(option.annotation and not option.required for option in read.options)
    assert not read.accepts_any
    assert spec.summary


def test_reading_the_specs_and_their_options_imports_no_torch():
    """The plugin and the options of all it offers are read without torch."""
    code = (
        "import sys; from zoo_optim import plugin; from zoo_registry import options_of; "
        "specs = [*plugin.zoo_optimizers(), *plugin.zoo_losses(), *plugin.zoo_schedulers()]; "
        "print(sum(len(options_of(spec).options) for spec in specs), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    count, torch_imported = done.stdout.split()
    assert int(count) > 80
    assert torch_imported == "False"


def test_the_plugin_is_found_by_its_entry_point():
    """Discovery finds all of it under `optim`, without a fault."""
    registry = load(only=["optim"])
    (found,) = registry.plugins
    assert found.faults == []
    assert {entry.name for entry in registry.entries} == {f"optim/{spec.name}" for spec in SPECS}
