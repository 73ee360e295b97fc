"""Weights as zoo, safetensors and plain torch load and store them."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

from zoo import load_weights, save_weights

SAFETENSORS = "net.safetensors"
TORCH = "net.pth"


def prepare(*, who: str, folder: str, num_tensors: int, mebibytes: int) -> dict[str, float]:
    """Write the files that the others load."""
    net = _net(num_tensors, mebibytes)
    save_weights(net, Path(folder, SAFETENSORS))
    torch.save(net.state_dict(), Path(folder, TORCH))
    return {who: 1.0}


def load(*, who: str, folder: str, num_tensors: int, mebibytes: int) -> dict[str, float]:
    """Time a load into a model that is there."""
    net, run = _net(num_tensors, mebibytes), _loads(Path(folder))[who]
    started = time.perf_counter()
    run(net)
    return {"seconds": time.perf_counter() - started}


def memory(*, who: str, folder: str, num_tensors: int, mebibytes: int) -> dict[str, float]:
    """Measure what a load holds at most beyond the model and this process, in MiB."""
    if who == "the weights":
        return {"anonymous MiB": float(num_tensors * mebibytes)}
    net, run = _net(num_tensors, mebibytes), _loads(Path(folder))[who]
    before = _held()
    peak = dict(before)
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.002):
            for name, value in _held().items():
                peak[name] = max(peak[name], value)

    watcher = threading.Thread(target=watch)
    watcher.start()
    run(net)
    done.set()
    watcher.join()
    # At least a page: a ratio to nothing would be none.
    return {f"{name} MiB": max(peak[name] - before[name], 0.01) for name in before}


def save(*, who: str, folder: str, num_tensors: int, mebibytes: int) -> dict[str, float]:
    """Time a save to the end of fsync."""
    net = _net(num_tensors, mebibytes)
    file = Path(folder, f"saved-by-{who.partition(' ')[0]}.safetensors")
    run = {"raw write": _write, "torch": _torch_save, "zoo": save_weights}[who]
    started = time.perf_counter()
    run(net, file)
    seconds = time.perf_counter() - started
    file.unlink()
    return {"seconds": seconds}


def _net(num_tensors: int, mebibytes: int) -> nn.Module:
    """Return a model of so many parameters of float32, of so many MiB each."""
    tensors = (torch.rand(mebibytes << 18) for _ in range(num_tensors))
    return nn.ParameterList(nn.Parameter(tensor) for tensor in tensors)


def _loads(folder: Path) -> dict[str, Callable[[nn.Module], object]]:
    return {
        "safetensors": lambda net: net.load_state_dict(load_file(folder / SAFETENSORS)),
        "torch": lambda net: net.load_state_dict(torch.load(folder / TORCH, weights_only=True)),
        "zoo": lambda net: load_weights(net, folder / SAFETENSORS),
    }


def _write(net: nn.Module, file: Path) -> None:
    with file.open("wb", buffering=0) as stream:
        for tensor in net.state_dict().values():
            stream.write(tensor.numpy())
        os.fsync(stream.fileno())


def _torch_save(net: nn.Module, file: Path) -> None:
    with file.open("wb") as stream:
        torch.save(net.state_dict(), stream)
        stream.flush()
        os.fsync(stream.fileno())


def _held() -> dict[str, float]:
    """Return this process's memory, as Linux has it, in MiB."""
    names = {"RssAnon": "anonymous", "VmRSS": "resident"}
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return {name: int(fields[field].split()[0]) / 1024 for field, name in names.items()}
