"""Half a gigabyte to a hub and back: zoo's commands, and bare calls of the client."""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOOPBACK = Path(__file__).parents[2] / "tests" / "hub" / "loopback.py"
TOKEN = "hf_writer_4711"  # noqa: S105 - of a hub that lives for a minute
REPO = "ada/large"

BARE_PUSH = f"""
import sys
from pathlib import Path
from huggingface_hub import CommitOperationAdd, HfApi

folder, api = Path(sys.argv[1]), HfApi()
api.create_repo({REPO!r}, private=True, exist_ok=True)
head = api.model_info({REPO!r}).sha
names = ("model.safetensors", "recipe.toml", "metrics.jsonl")
files = [CommitOperationAdd(name, str(folder / name)) for name in names]
api.create_commit({REPO!r}, files, commit_message="large", parent_commit=head)
"""
BARE_PULL = f"""
import sys
from huggingface_hub import snapshot_download

snapshot_download({REPO!r}, local_dir=sys.argv[1])
"""
MEMORY = """
import torch, zoo, sys
if sys.argv[1:]:
    getattr(zoo, sys.argv[1])(*sys.argv[2:], progress=False)
"""


def prepare(*, folder: str, mebibytes: int) -> dict[str, float]:
    """Make a run with weights of a size, as a training would."""
    import torch

    from zoo import save_weights
    from zoo.runs import RunWriter

    os.environ["ZOO_HOME"] = folder
    card = {"model": "vision/mlp", "options": {}, "num_classes": 2, "dataset": "vision/digits"}
    writer = RunWriter.create("large", "", 'model = "vision/mlp"\n', {"data": {}})
    net = {f"layer{n}.weight": torch.randn(1 << 18) for n in range(mebibytes)}
    saved = save_weights(net, writer.path / "model.safetensors", metadata={"zoo": json.dumps(card)})
    writer.add_file(saved)
    writer.append_metrics({"epoch": 1})
    writer.finish("done")
    return {"mebibytes": float(mebibytes)}


def push(*, who: str, folder: str) -> dict[str, float]:
    """Time a push to a hub that has nothing yet, as a whole process."""
    with _hub(folder):
        return {"seconds": _timed(_push_line(who, folder))}


def pull(*, who: str, folder: str) -> dict[str, float]:
    """Time a pull to a machine that has nothing yet, likewise."""
    with _hub(folder), tempfile.TemporaryDirectory(dir=folder) as target:
        _timed(_push_line("zoo", folder))
        os.environ["ZOO_HOME"] = target
        bare = [sys.executable, "-c", BARE_PULL, target]
        zoo = [sys.executable, "-m", "zoo", "pull", REPO]
        return {"seconds": _timed(zoo if who == "zoo" else bare)}


def memory(*, who: str, folder: str) -> dict[str, float]:
    """Measure what a push and a pull hold at most, all processes together, in MiB.

    Args:
        who: `torch and 300 MB` for a process that has imported it and does nothing, and that much.
        folder: where the run is.
    """
    line = [sys.executable, "-c", MEMORY]
    if who != "zoo":
        return {"peak MiB": _peak(line) + 300e6 / (1 << 20)}
    with _hub(folder), tempfile.TemporaryDirectory(dir=folder) as target:
        pushing = _peak([*line, "push", "large", REPO])
        os.environ["ZOO_HOME"] = target
        return {"peak MiB": max(pushing, _peak([*line, "pull", REPO]))}


def _push_line(who: str, folder: str) -> list[str]:
    if who == "zoo":
        return [sys.executable, "-m", "zoo", "push", "large", REPO]
    return [sys.executable, "-c", BARE_PUSH, f"{folder}/runs/large"]


@contextmanager
def _hub(folder: str) -> Iterator[None]:
    """Start a hub in a process of its own, and set what tells the client of it."""
    for name in ("ZOO_OFFLINE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        os.environ.pop(name, None)
    served = subprocess.Popen(
        [sys.executable, str(LOOPBACK)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert served.stdout is not None
    with served, tempfile.TemporaryDirectory(dir=folder) as cache:
        os.environ |= {
            "ZOO_HOME": folder,
            "HF_HOME": cache,
            "HF_TOKEN": TOKEN,
            "HF_ENDPOINT": served.stdout.readline().strip(),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        }
        try:
            yield
        finally:
            served.kill()


def _timed(line: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(line, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def _peak(line: list[str]) -> float:
    """Return the peak of a process and of those that it starts, together, by looking at both."""
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL)
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, sum(_resident(pid) for pid in _family(process.pid)))
        time.sleep(0.01)
    if process.returncode:
        raise RuntimeError(f"{line[3:]} ended with {process.returncode}")
    alone = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return peak or alone


def _family(pid: int) -> list[int]:
    try:
        below = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    except OSError:
        below = []
    return [pid, *map(int, below)]


def _resident(pid: int) -> float:
    """Return the memory of a process in MiB, of what it shares only its share."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)
