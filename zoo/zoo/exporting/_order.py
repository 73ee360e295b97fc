"""What is to be exported, into which file and how: all that can be checked before any work."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from zoo_registry import InvalidOption, UsageError, nearest

from .. import hub
from .._onnx_files import ONNX, WRITERS, require_packages
from ..home import user_path
from ..runs import FoundWeights, find_weights, require_place

FORMATS: Mapping[str, tuple[str, ...]] = {
    "onnx": (ONNX,),
    "torch-export": (".pt2",),
    "safetensors": (".safetensors",),
    "pth": (".pth", ".pt"),
}
"""What the names of each format's files end in, the usual first."""

GRAPHS = ("onnx", "torch-export")
"""Formats that hold what a model computes; the others hold its weights."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """One export."""

    source: FoundWeights
    format: str
    out: Path
    opset: int | None = None
    """Of ONNX; None: the one that torch's exporter recommends."""
    dynamic_batch: bool = False
    """Whether the graph takes any number of samples at once; else it takes one."""
    with_preprocessing: bool = False
    """Whether the graph takes samples as the dataset gives them."""


def make_order(
    source: str | Path,
    format: str,  # noqa: A002 - the flag's name
    out: str | Path | None = None,
    *,
    opset: int | None = None,
    dynamic_batch: bool = False,
    with_preprocessing: bool = False,
    force: bool = False,
) -> Order:
    """Check what was asked. Torch is not imported.

    Args:
        source: a run's name, an alias, a folder, a `.safetensors` file or `hf:USER/REPO`.
        format: a key of `FORMATS`.
        out: the file; None: named after the run or the repository, in the current folder, or
            after the file and beside it.
        opset: see `Order`; likewise the next two.
        dynamic_batch: only for `GRAPHS`.
        with_preprocessing: likewise.
        force: whether a file at `out` is replaced.

    Raises:
        InvalidOption: no such format, or an option that it does not have.
        UsageError: no such run or file; a package is missing; `out` can't be written, or exists.
    """
    if format not in FORMATS:
        close = nearest(format, FORMATS)
        hint = f"did you mean {close[0]}? " if close else ""
        raise InvalidOption(f"no format named {format!r}; {hint}there are: {', '.join(FORMATS)}")
    _check_options(format, opset, dynamic_batch=dynamic_batch, preprocessing=with_preprocessing)
    if format == "onnx":
        require_packages(WRITERS, "exporting to ONNX")
    found = find_weights(source)
    file = _default_out(source, found, format) if out is None else user_path(out)
    _check_out(file, found, format, force=force)
    return Order(
        source=found,
        format=format,
        out=file,
        opset=opset,
        dynamic_batch=dynamic_batch,
        with_preprocessing=with_preprocessing,
    )


def _check_options(
    name: str, opset: int | None, *, dynamic_batch: bool, preprocessing: bool
) -> None:
    if opset is not None and name != "onnx":
        raise InvalidOption(f"--opset {opset} goes with --format onnx; {name} has no opsets")
    if opset is not None and opset < 1:
        raise InvalidOption(f"--opset {opset}: opsets are numbered from 1; 18 is read widely")
    given = {"--dynamic-batch": dynamic_batch, "--with-preprocessing": preprocessing}
    if name not in GRAPHS and (asked := [flag for flag, is_set in given.items() if is_set]):
        raise InvalidOption(
            f"{asked[0]} goes with --format {' or '.join(GRAPHS)}; {name} holds weights only"
        )


def _default_out(source: str | Path, found: FoundWeights, name: str) -> Path:
    suffix = FORMATS[name][0]
    if str(source).startswith(hub.SIGN):
        return Path(hub.parse_place(str(source)).repo.rpartition("/")[2] + suffix)
    if user_path(source).is_file():
        return found.path.with_suffix(suffix)
    return Path(found.path.parent.name + suffix)


def _check_out(out: Path, found: FoundWeights, name: str, *, force: bool) -> None:
    if out.suffix not in FORMATS[name]:
        raise InvalidOption(
            f"{out}: the name of a file of --format {name} ends in {' or '.join(FORMATS[name])}"
        )
    if out.exists() and out.samefile(found.path):
        raise UsageError(f"{out} is what is exported; give another name with -o")
    require_place(out, force=force)
