"""A signal ends all ranks together wherever they are: before the first step, in an evaluation."""

import importlib
import os
import signal
import subprocess
import sys
import time

import pytest
from ragged import data

import zoo
from zoo.checkpoints import checkpoints
from zoo.errors import OutOfMemory
from zoo.runs import find_run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="ranks need gloo and signals")

SLOW = """
    import os
    import signal
    import sys
    import time
    from pathlib import Path

    import torch
    from torch import nn

    import zoo
    from zoo.errors import ZooError


    class Slow(nn.Module):
        '''Takes its time where it is told to, and says that it is there.'''

        def __init__(self, where, mark):
            super().__init__()
            torch.manual_seed(0)
            self.layer, self.where, self.mark, self.calls = nn.Linear(3, 3), where, mark, 0

        def forward(self, samples):
            self.calls += self.training
            here = "training" if self.training else "evaluation"
            if self.where == here and self.calls > 3:  # not when the model is only tried
                with Path(f"{self.mark}-{os.environ.get('RANK', 0)}").open("a") as mark:
                    mark.write(".")
                time.sleep(0.2)
            return self.layer(samples)


    class Data(torch.utils.data.Dataset):
        '''Takes its time while the first samples are looked at.'''

        def __init__(self, count, mark):
            self.samples, self.labels = torch.randn(count, 3), torch.arange(count) % 3
            self.mark = mark

        def __len__(self):
            return len(self.samples)

        def __getitem__(self, index):
            if self.mark:
                Path(f"{self.mark}-{os.environ.get('RANK', 0)}").touch()
                time.sleep(0.5)
            return self.samples[index], self.labels[index]


    def main(where, mark, ranks):
        torch.manual_seed(0)
        train = Data(40, mark if where == "before the first step" else "")
        try:
            zoo.train(
                Slow(where, mark), (train, Data(6000, "")), name="run", epochs=2, batch_size=8,
                device="cpu", ranks=int(ranks), progress=False, workers=0,
            )
        except ZooError as error:
            print(error, file=sys.stderr)
            sys.exit(error.exit_code)
"""


@pytest.mark.parametrize(
    ("where", "number", "ranks"),
    [
        ("before the first step", signal.SIGTERM, 1),
        ("before the first step", signal.SIGTERM, 2),
        ("evaluation", signal.SIGTERM, 2),
        ("evaluation", signal.SIGINT, 2),
    ],
)
def test_a_signal_is_heard_everywhere(write_package, tmp_path, where, number, ranks):
    """With the exit code of a stop; what was trained is stored, and goes on to the same end."""
    package = write_package(SLOW)
    mark = tmp_path / "there"
    code = (
        f"import {package}\nif __name__ == '__main__': {package}.main(*__import__('sys').argv[1:])"
    )
    script = tmp_path / "script.py"
    script.write_text(code)
    process = subprocess.Popen(
        [sys.executable, str(script), where, str(mark), str(ranks)],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(tmp_path / "packages")},
        start_new_session=True,
    )
    marks = [tmp_path / f"there-{rank}" for rank in range(ranks)]
    deadline = time.monotonic() + 90
    while not all(each.exists() for each in marks):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(number)
    _, said = process.communicate(timeout=90)
    if where == "before the first step":
        assert process.returncode == 75, said
        assert zoo.list_runs() == []
        return
    assert process.returncode == {signal.SIGINT: 130, signal.SIGTERM: 75}[number], said
    assert "is stored; `zoo resume run` goes on" in said
    # Of the 188 batches of the evaluation, 38 seconds, most were left out.
    assert all(len(mark.read_text()) < 120 for mark in marks)
    run = find_run("run")
    assert run.state == "stopped"
    assert checkpoints(run.path)


GREEDY = """
    import os

    import torch
    from torch import nn


    class Greedy(nn.Module):
        '''Its memory does not suffice on rank 1 when it measures a whole batch.'''

        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.layers = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 3))

        def forward(self, samples):
            if not self.training and os.environ.get("RANK") == "1" and len(samples) > 3:
                raise torch.OutOfMemoryError("there is no more")
            return self.layers(samples)
"""


@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_a_rank_short_of_memory_in_an_evaluation_keeps_nobody_waiting(write_package, parallel):
    """Alone it measures in halves; what the ranks compute together ends with an error instead."""
    greedy = importlib.import_module(write_package(GREEDY)).Greedy
    how = {"parallel": parallel, "ranks": 2, "epochs": 1, "batch_size": 4, "device": "cpu"}
    if parallel == "ddp":
        assert zoo.train(greedy(), data(), progress=False, **how).state == "done"
        return
    with pytest.raises(OutOfMemory, match="--batch-size"):
        zoo.train(greedy(), data(), progress=False, **how)
