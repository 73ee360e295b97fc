"""A compiled model is the same model: its names, its weights, and what it learns."""

import os
import shutil
import subprocess
import sys

import pytest
import torch
from torch import nn

from zoo.training._compile import resolve_compile

COMPILED = """
import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn

import zoo


def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 2))


rng = np.random.default_rng(0)
labels = rng.integers(0, 2, 64)
data = ((rng.normal(size=(64, 2)) + labels[:, None]).astype(np.float32), labels)
settings = {"epochs": 2, "batch_size": 16, "device": "cpu", "progress": False, "lr": 0.05}
plain, compiled = net(), net()
zoo.train(plain, data, **settings)
run = zoo.train(compiled, data, compile="auto", **settings)
assert run.recipe["compile"] == "default", run.recipe
assert set(load_file(run.weights)) == set(plain.state_dict())
for one, other in zip(plain.parameters(), compiled.parameters(), strict=True):
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
assert torch._dynamo.utils.counters["stats"]["unique_graphs"] > 0, "nothing was compiled"
assert compiled._compiled_call_impl is None
"""


@pytest.mark.skipif(shutil.which("g++") is None, reason="the compiler needs a C++ compiler")
def test_compiling_changes_neither_names_nor_learning(tmp_path):
    """In place: no `_orig_mod.`; afterwards the module runs as it is written."""
    # A process of its own: the compiler leaves its mark on the environment and on sys.path.
    done = subprocess.run(
        [sys.executable, "-c", COMPILED], check=False, capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr


def test_graphs_are_replayed_for_small_models_on_gpus_only():
    """Where launching a kernel takes longer than running it."""
    cuda, cpu = torch.device("cuda"), torch.device("cpu")
    small, large = nn.Linear(4, 4, device="meta"), nn.Linear(4000, 4000, device="meta")
    assert resolve_compile("auto", cuda, small) == "reduce-overhead"
    assert resolve_compile("auto", cuda, large) == "default"
    assert resolve_compile("auto", cpu, small) == "default"
    assert resolve_compile("max-autotune", cpu, small) == "max-autotune"


BROKEN = """
import torch
from torch import nn

import zoo
from zoo.errors import ZooError

data = torch.randn(32, 2), torch.randint(0, 2, (32,))
try:
    zoo.train(nn.Linear(2, 2), data, compile="default", epochs=1, device="cpu", progress=False)
except ZooError as error:
    print(error)
"""


def test_a_machine_that_can_not_compile_is_told_in_a_line(tmp_path):
    """At the first step, which is where torch compiles; nothing is called a bug of zoo's."""
    done = subprocess.run(
        [sys.executable, "-c", BROKEN],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "CXX": "/nonexistent", "TORCHINDUCTOR_CACHE_DIR": str(tmp_path)},
    )
    assert done.stdout.startswith("the model can't be compiled here ("), done.stderr
    assert "leave out --compile" in done.stdout
