"""Which device a training runs on."""

import torch

from zoo_registry import UsageError


def choose_device(name: str = "auto") -> torch.device:
    """Return the device `name` asks for: auto, cpu, cuda, cuda:N or mps.

    `auto` takes CUDA where there is any, then MPS, then the CPU.

    Raises:
        UsageError: no such device here; the text lists those there are.
    """
    if name == "auto":
        return torch.device(available()[-1].split(":")[0])
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or not any(str(device) in (here, here.split(":")[0]) for here in available()):
        raise UsageError(
            f"there is no device {name!r} here; choose from: auto, {', '.join(available())}"
        )
    return device


def available() -> list[str]:
    """List the devices of this machine, the fastest kind last."""
    devices = ["cpu"]
    if torch.backends.mps.is_available():
        devices.append("mps")
    return devices + [f"cuda:{index}" for index in range(torch.cuda.device_count())]
