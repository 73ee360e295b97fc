"""Reading weights, and loading them into a model whole or not at all."""

import os
from collections import OrderedDict
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from .._weight_files import SAFETENSORS, weight_file
from ..errors import CorruptWeights, IncompatibleWeights, UsageError
from . import _safetensors, _torch
from ._canonical import set_versions
from ._contents import Contents
from ._fit import fit
from ._modules import Names, bare
from ._report import LoadReport, some


def load_weights(
    model: nn.Module, path: str | os.PathLike[str], *, strict: bool = True
) -> LoadReport:
    """Copy a file's weights into a model.

    Everything is compared before anything is copied. Names are those of the bare model,
    whatever wraps it. A dtype is only converted where no value can change: float16 into
    float32, say. To load float32 weights as float16, load first and convert the model then.

    Args:
        model: any module, wrapped or not; on any device. Its dtypes stay as they are.
        path: a `.safetensors` file, or a `.pth` or `.pt` one, of which nothing is ever run.
        strict: accept only a file that fits in every tensor. With False, what fits is loaded
            and the report says what did not.

    Returns:
        What was loaded and what was not, tensor by tensor.

    Raises:
        UsageError: no such file, or a model without memory.
        CorruptWeights: the file is damaged.
        UntrustedWeights: the file could only be read by running code in it.
        IncompatibleWeights: file and model differ (`strict`), or have nothing in common. The
            model is as it was.
    """
    file = weight_file(path)
    contents = _read(file)
    root = bare(model)
    names = Names(root)
    state = root.state_dict(keep_vars=True)
    keys = {name: key for key in state if (name := names.canonical(key)) is not None}
    own = {name: state[key] for name, key in keys.items()}
    _check_memory(own)
    found = fit(file, contents, own)
    if not found.report.complete and (strict or not found.report.loaded):
        raise IncompatibleWeights(_refusal(root, found.report), found.report)
    values = OrderedDict((keys[name], tensor) for name, tensor in found.tensors.items())
    if contents.versions is not None:
        recorded = {p: contents.versions.get(name, 1) for p, name in names.modules().items()}
        set_versions(values, {path: {"version": version} for path, version in recorded.items()})
    _copy(root, values, found.report)
    return found.report


def read_state_dict(path: str | os.PathLike[str]) -> OrderedDict[str, Tensor]:
    """Return a file's tensors, on the CPU, in memory of their own; shared ones are shared.

    Raises:
        UsageError: no such file.
        CorruptWeights: the file is damaged.
        UntrustedWeights: the file could only be read by running code in it.
        IncompatibleWeights: it holds more than tensors, or something else.
    """
    file = weight_file(path)
    contents = _read(file)
    if contents.skipped:
        raise IncompatibleWeights(
            f"{file} holds more than plain tensors: {some(contents.skipped)}. Save its "
            "state_dict alone where it was made."
        )
    copies: dict[int, Tensor] = {}
    for name, tensor in contents.tensors.items():
        if tensor.numel() * tensor.itemsize > file.stat().st_size:
            raise CorruptWeights(
                f"{file}: {name!r} claims {tuple(tensor.shape)} values, more than the file has."
            )
        if id(tensor) not in copies:
            copies[id(tensor)] = tensor.clone()
    state = OrderedDict((name, copies[id(tensor)]) for name, tensor in contents.tensors.items())
    if contents.versions is not None:
        set_versions(state, {path: {"version": v} for path, v in contents.versions.items()})
    return state


def _read(file: Path) -> Contents:
    return _safetensors.read(file) if file.suffix == SAFETENSORS else _torch.read(file)


def _copy(root: nn.Module, values: OrderedDict[str, Tensor], report: LoadReport) -> None:
    try:
        root.load_state_dict(values, strict=False)
    except RuntimeError as error:  # a module that does checks of its own
        raise IncompatibleWeights(f"{report.path} does not fit: {error}", report) from error


def _check_memory(own: dict[str, Any]) -> None:
    for name, tensor in own.items():
        if isinstance(tensor, Tensor) and tensor.is_meta:
            raise UsageError(
                f'{name!r} is on the device "meta": the model has no memory to load into. '
                'Give it some first: model.to_empty(device="cpu").'
            )


def _refusal(root: nn.Module, report: LoadReport) -> str:
    head = f"{report.path} does not fit {type(root).__name__}; nothing was loaded."
    remedy = "Build the model with the options that the file was made with"
    if report.loaded:
        remedy += f", or load the {len(report.loaded)} tensors that fit with strict=False"
    return "\n".join([head, *(f"  {line}" for line in report.differences()), f"{remedy}."])
