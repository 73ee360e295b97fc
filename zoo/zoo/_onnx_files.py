"""ONNX files seen from outside: whether one is meant, and whether what reads it is installed."""

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from ._weight_files import weight_file
from .errors import UsageError
from .home import user_path

ONNX = ".onnx"
READERS = ("onnxruntime",)
"""Packages that compute what is in an ONNX file."""
WRITERS = ("onnx", "onnxscript", *READERS)
"""Packages that make one with torch's exporter, and check it."""


def onnx_file(source: str | Path) -> Path | None:
    """Return the ONNX file that `source` means; None where it means something else, as a run.

    Raises:
        UsageError: there is no such file, or what reads it is not installed.
    """
    path = user_path(source)
    if path.suffix != ONNX or path.is_dir():
        return None
    file = weight_file(path, any_suffix=True)
    require_packages(READERS, f"reading {path.name}")
    return file


def require_packages(names: Iterable[str], purpose: str) -> None:
    """Look for the packages of the extra `onnx`; none of them is imported.

    Raises:
        UsageError: one is not installed; the text says what to type.
    """
    if missing := [name for name in names if find_spec(name) is None]:
        raise UsageError(
            f"{purpose} needs {', '.join(missing)}, not installed here: "
            "pip install 'zoo-registry[onnx]'"
        )
