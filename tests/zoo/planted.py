"""Plugins with planted faults, installed as pip leaves a distribution."""

import importlib
import sys
import textwrap

import zoo_registry
from zoo.conformance import plan_checks

METADATA = """\
Metadata-Version: 2.4
Name: planted-zoo
Version: 1.0
Summary: faults
Author: nobody
License-Expression: MIT
Requires-Python: >=3.11
Requires-Dist: zoo-registry
Description-Content-Type: text/markdown

Faults.
"""

SOUND_DATA = """
from zoo import ArrayDataset
def data(root, samples: int = 40):
    draw = torch.Generator().manual_seed(0)
    x, y = torch.rand(samples, 6, generator=draw), torch.arange(samples) % 3
    return Splits(train=ArrayDataset(x[10:], y[10:]), test=ArrayDataset(x[:10], y[:10]),
                  classes=("a", "b", "c"))
"""
SOUND_NET = """
class Net(nn.Module):
    def __init__(self, in_features: int = 6, num_classes: int = 3, width: int = 4):
        super().__init__()
        self.hidden = nn.Linear(in_features, width)
        self.head = nn.Linear(width, num_classes)
    def forward(self, samples):
        return self.head(self.hidden(samples).relu())
"""
HEADER = """
import torch
from torch import nn
from zoo_registry import Splits
"""
SPECS = {
    "model": 'ModelSpec(name="net", build="planted_code:Net", datasets=("data",), summary="s")',
    "dataset": 'DatasetSpec(name="data", build="planted_code:data", summary="s")',
    "optimizer": 'OptimizerSpec(name="opt", build="planted_code:Opt", summary="s")',
    "scheduler": 'SchedulerSpec(name="sched", build="planted_code:Sched", summary="s")',
    "loss": 'LossSpec(name="loss", build="planted_code:loss", summary="s")',
    "tracker": 'TrackerSpec(name="track", build="planted_code:Track", summary="s")',
}


class Planted:
    """A folder of packages with a plugin named `planted`, whose code a test writes."""

    def __init__(self, root):
        self.root = root
        root.mkdir()

    def write(self, name, source):
        """Write a module; it is imported afresh."""
        (self.root / f"{name}.py").write_text(textwrap.dedent(source), encoding="utf-8")
        sys.modules.pop(name, None)
        importlib.invalidate_caches()

    def install(self, code="", specs=SPECS, *, spec_header="", metadata=METADATA):
        """Write the distribution: its code, its spec module with those kinds, its metadata."""
        self.write("planted_code", HEADER + code)
        hooks = "\n".join(
            f"@hookimpl\ndef zoo_{kind}s():\n    return [{text}]\n".replace(
                "zoo_losss", "zoo_losses"
            )
            for kind, text in specs.items()
        )
        self.write("planted_plugin", f"{spec_header}\nfrom zoo_registry import *\n{hooks}")
        folder = self.root / "planted_zoo-1.0.dist-info"
        folder.mkdir(exist_ok=True)
        (folder / "METADATA").write_text(metadata)
        (folder / "entry_points.txt").write_text("[zoo]\nplanted = planted_plugin\n")

    def failed(self, *patterns):
        """Run the checks here; return the titles of those that failed, each with its detail."""
        registry = zoo_registry.load(only=["planted", "optim"])
        found = [(check, check.run()) for check in plan_checks(registry, "planted", patterns)]
        assert found
        return {check.title: outcome.detail for check, outcome in found if not outcome.holds}

    def forget(self):
        """Unload the modules that were written here."""
        for name, module in list(sys.modules.items()):
            if str(self.root) in str(getattr(module, "__file__", "")):
                del sys.modules[name]
