"""Which device a training runs on."""

import torch

from zoo_registry import UsageError

from .. import _ranks


def choose_device(name: str = "auto") -> torch.device:
    """Return the device `name` asks for: auto, cpu, cuda, cuda:N or mps.

    `auto` takes CUDA where there is any, then MPS, then the CPU. Of several ranks each gets a
    GPU of its own, and none gets MPS, whose tensors can't be sent from one to another.

    Raises:
        UsageError: no such device here; the text lists those there are.
    """
    here = available()
    if _ranks.num_ranks() > 1 and name.startswith("cuda:"):
        raise UsageError(
            f"{name} is one GPU, and there are {_ranks.num_ranks()} ranks, each of which takes its "
            "own; give --device cuda, and choose GPUs with CUDA_VISIBLE_DEVICES"
        )
    if _ranks.num_ranks() > 1 and name in ("auto", "cuda") and torch.cuda.is_available():
        return _gpu_of_rank(_ranks.local_rank())
    if name == "auto":
        kinds = [device.split(":")[0] for device in here]
        several = _ranks.num_ranks() > 1
        return torch.device("cpu" if several else kinds[-1])
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or not any(str(device) in (known, known.split(":")[0]) for known in here):
        raise UsageError(f"there is no device {name!r} here; choose from: auto, {', '.join(here)}")
    return device


def available() -> list[str]:
    """List the devices of this machine, the fastest kind last."""
    devices = ["cpu"]
    if torch.backends.mps.is_available():
        devices.append("mps")
    return devices + [f"cuda:{index}" for index in range(torch.cuda.device_count())]


def _gpu_of_rank(index: int) -> torch.device:
    count = torch.cuda.device_count()
    if index >= count:
        raise UsageError(
            f"rank {index} of this machine has no GPU of its own: there are {count}; start no "
            "more ranks than that, or give --device cpu"
        )
    return torch.device("cuda", index)
