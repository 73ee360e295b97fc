"""`zoo verify resume` kills for real, and finds out what can't be resumed."""

import json
import os
import subprocess
import sys
import textwrap

import pytest

from zoo.verify import Proof, prove_resume

SMALL = {"model": "mlp", "dataset": "digits", "model.hidden": [8], "batch_size": 128}


def silent(_text):
    pass


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_kills_at_random_moments_leave_no_trace():
    """With SIGKILL and SIGTERM, in processes of their own; every byte is compared."""
    (proof,) = prove_resume(SMALL, None, silent, kills=3, seed=1)
    assert isinstance(proof, Proof)
    assert proof.difference == 0, proof.setting
    assert proof.name == "3 kills at random, each resumed: the same bytes as never stopped"


FORGETFUL = """
    from torch.optim import Optimizer
    import torch

    class Forgetful(Optimizer):
        def __init__(self, params, lr=0.1):
            super().__init__(params, {"lr": lr})
            self.count = 0  # in no state_dict

        @torch.no_grad()
        def step(self, closure=None):
            self.count += 1
            for group in self.param_groups:
                for parameter in group["params"]:
                    if parameter.grad is not None:
                        parameter.sub_(parameter.grad, alpha=group["lr"] / self.count)
"""
PLUGIN = """
    from zoo_registry import OptimizerSpec, hookimpl

    @hookimpl
    def zoo_optimizers():
        return [OptimizerSpec(name="forgetful", build="forgetful_zoo.optim:Forgetful", summary="x")]
"""
METADATA = "Metadata-Version: 2.1\nName: forgetful-zoo\nVersion: 1.0\n"


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_an_optimizer_that_keeps_something_to_itself_is_found_out(tmp_path):
    """Exit code 1, and a line that says where to look."""
    package, info = tmp_path / "forgetful_zoo", tmp_path / "forgetful_zoo-1.0.dist-info"
    package.mkdir()
    info.mkdir()
    (package / "__init__.py").touch()
    (package / "optim.py").write_text(textwrap.dedent(FORGETFUL))
    (package / "plugin.py").write_text(textwrap.dedent(PLUGIN))
    (info / "METADATA").write_text(METADATA)
    (info / "entry_points.txt").write_text("[zoo]\nforgetful = forgetful_zoo.plugin\n")
    command = ["verify", "resume", "mlp", "--dataset", "digits", "--kills", "4", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "zoo", *command, "--set", "optimizer=forgetful"],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "OMP_NUM_THREADS": "1"},
        timeout=300,
    )
    (row,) = json.loads(done.stdout)
    assert (done.returncode, row["verdict"]) == (1, "FAILED"), done.stderr
    assert "model.safetensors" in done.stderr
    assert "keeps something out of its state_dict" in done.stderr
