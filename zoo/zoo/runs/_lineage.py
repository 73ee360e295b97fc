"""Where a run comes from: code, versions and what of the environment bears on its numbers."""

import os
import platform
import re
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ._revision import code_revision

_DISTRIBUTIONS = ("zoo-registry", "torch", "torchvision", "numpy", "safetensors")

_VARIABLES = (
    "ATEN_CPU_CAPABILITY",
    "CUBLAS_WORKSPACE_CONFIG",
    "CUDA_LAUNCH_BLOCKING",
    "CUDA_VISIBLE_DEVICES",
    "MKL_CBWR",
    "MKL_NUM_THREADS",
    "NVIDIA_TF32_OVERRIDE",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "PYTHONHASHSEED",
    "PYTORCH_ALLOC_CONF",
    "PYTORCH_CUDA_ALLOC_CONF",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
    "ZOO_PLUGINS",
)
"""What may change numbers, and tells nothing of the user."""

_DRIVER = Path("/proc/driver/nvidia")


def lineage(parent: str | None = None) -> dict[str, Any]:
    """Return the entries of `run.json` that say where a run comes from.

    A library that is loaded says its version itself; nothing is imported for this.

    Args:
        parent: the name of the run whose weights it begins with.

    Returns:
        `parent`; `versions` of Python and of what computes; `code`, the git commit (see
        `code_revision`); `environment`: `variables` that may change numbers, `cuda`, the `driver`
        and the `gpus`, None where they are not known.
    """
    return {
        "parent": parent,
        "versions": _versions(),
        "code": code_revision(),
        "environment": {
            "variables": {name: os.environ[name] for name in _VARIABLES if name in os.environ},
            "cuda": _cuda(),
            "driver": _driver(_DRIVER),
            "gpus": _gpus(_DRIVER),
        },
    }


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in _DISTRIBUTIONS:
        # torch's own text also says for which CUDA it was built; its metadata may not.
        loaded = getattr(sys.modules.get(name), "__version__", None)
        try:
            found[name] = str(loaded or version(name))
        except PackageNotFoundError:
            continue
    return found


def _cuda() -> str | None:
    """Return the version of CUDA that torch was built for; None where torch is not loaded."""
    torch = sys.modules.get("torch")
    cuda = getattr(getattr(torch, "version", None), "cuda", None)
    return cuda if isinstance(cuda, str) else None


def _driver(folder: Path) -> str | None:
    """Return the version of NVIDIA's driver, as it tells Linux."""
    found = re.search(r"Kernel Module(?: for \w+)?\s+([\d.]+)", _text(folder / "version"))
    return found[1] if found else None


def _gpus(folder: Path) -> list[str] | None:
    """Return the names of NVIDIA's GPUs in this machine, whichever of them was used."""
    texts = [_text(file) for file in sorted(folder.glob("gpus/*/information"))]
    names = [found[1] for text in texts if (found := re.search(r"Model:\s*(.+)", text))]
    return names or None


def _text(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""
