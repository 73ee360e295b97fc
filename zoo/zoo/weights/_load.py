"""Reading weights, and loading them into a model whole or not at all."""

import os
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from .._weight_files import SAFETENSORS, weight_file
from ..errors import IncompatibleWeights, UsageError
from . import _safetensors, _torch
from ._canonical import set_versions
from ._contents import Contents
from ._fit import Fit, fit
from ._head import other_classes
from ._modules import Names, bare
from ._rename import without_wrappers
from ._report import LoadReport, some
from ._undo import copy_in


def load_weights(
    model: nn.Module,
    path: str | os.PathLike[str],
    *,
    strict: bool = True,
    reset_head: bool = False,
    verified: bool = False,
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
        reset_head: accept a head for another number of classes, and leave the model's own as it
            is, freshly initialized in a model just built; all else must fit. The report names
            its tensors as `reset`. A head for as many classes is loaded like the rest.
        verified: whether the file's bytes were just compared with a digest that was kept
            elsewhere; the one in the file is not computed again then.

    Returns:
        What was loaded and what was not, tensor by tensor.

    Raises:
        UsageError: no such file, or a model whose memory can't be written to.
        CorruptWeights: the file is damaged.
        UntrustedWeights: the file could only be read by running code in it.
        IncompatibleWeights: file and model differ (`strict`), or have nothing in common. The
            model is as it was.
    """
    file = weight_file(path)
    contents = _read(file, verified=verified)
    root = bare(model)
    names = Names(root)
    state = root.state_dict(keep_vars=True)
    keys = {name: key for key in state if (name := names.canonical(key)) is not None}
    found = match(root, file, contents, strict=strict, reset_head=reset_head)
    values = OrderedDict((keys[name], tensor) for name, tensor in found.tensors.items())
    if contents.versions is not None:
        recorded = {p: contents.versions.get(name, 1) for p, name in names.modules().items()}
        set_versions(values, {path: {"version": version} for path, version in recorded.items()})
    _copy(root, values, found.report)
    return found.report


def match(
    root: nn.Module, file: Path, contents: Contents, *, strict: bool, reset_head: bool
) -> Fit:
    """Compare a file's contents with a bare model, and refuse what `load_weights` refuses.

    Raises:
        UsageError: the model's memory can't be written to.
        IncompatibleWeights: they differ; the text says in what.
    """
    names = Names(root)
    state = root.state_dict(keep_vars=True)
    own = {name: state[key] for key in state if (name := names.canonical(key)) is not None}
    _check_memory(own)
    found = fit(file, contents, own)
    report = found.report
    classes = other_classes(root, names, report.mismatched)
    if reset_head and classes:
        heads = tuple(mismatch.name for mismatch in report.mismatched)
        report = replace(report, reset=heads, mismatched=())
    if (strict and report.differences()) or not (report.loaded or report.complete):
        raise IncompatibleWeights(_refusal(root, report, classes), report)
    return Fit(found.tensors, report)


def read_state_dict(
    path: str | os.PathLike[str], *, verified: bool = False
) -> OrderedDict[str, Tensor]:
    """Return a file's tensors, on the CPU, in memory of their own; shared ones are shared.

    Args:
        path: a `.safetensors` file, or a `.pth` or `.pt` one, of which nothing is ever run.
        verified: as `load_weights` has it.

    Raises:
        UsageError: no such file.
        CorruptWeights: the file is damaged.
        UntrustedWeights: the file could only be read by running code in it.
        IncompatibleWeights: it holds more than tensors, or something else.
    """
    file = weight_file(path)
    contents = _read(file, verified=verified)
    if contents.skipped:
        raise IncompatibleWeights(
            f"{file} holds more than plain tensors: {some(contents.skipped)}. Save its "
            "state_dict alone where it was made."
        )
    copies: dict[int, Tensor] = {}
    for tensor in contents.tensors.values():
        if id(tensor) not in copies:
            copies[id(tensor)] = tensor.clone()
    tensors = {name: copies[id(tensor)] for name, tensor in contents.tensors.items()}
    return replace(contents, tensors=tensors).state_dict()


def _read(file: Path, *, verified: bool) -> Contents:
    if file.suffix == SAFETENSORS:
        return _safetensors.read(file, verified=verified)
    return _torch.read(file)


def _copy(root: nn.Module, values: OrderedDict[str, Tensor], report: LoadReport) -> None:
    try:
        copy_in(root, values)
    except Exception as error:  # whatever a module's own code for loading raises
        raise IncompatibleWeights(
            f"{report.path} can't be loaded into {type(root).__name__}; nothing was. The model's "
            f"own code for loading says: {str(error) or type(error).__name__}",
            report,
        ) from error


def _check_memory(own: Mapping[str, object]) -> None:
    """Accept a model that values can be copied into.

    Raises:
        UsageError: one of its tensors has no memory, or none of its own.
    """
    for name, tensor in own.items():
        if not isinstance(tensor, Tensor):
            continue
        if tensor.is_meta:
            raise UsageError(
                f'{name!r} is on the device "meta": the model has no memory to load into. '
                'Give it some first: model.to_empty(device="cpu").'
            )
        if is_lazy(tensor):
            continue
        if tensor.is_inference() and not torch.is_inference_mode_enabled():
            raise UsageError(
                f"{name!r} was made in torch.inference_mode and can't be changed outside of it. "
                "Build the model outside, or load the weights inside."
            )
        if tensor.layout is torch.strided and _repeats(tensor):
            raise UsageError(
                f"{name!r} is an expanded view, one number in many places, and takes no values. "
                "Let the model keep a copy: tensor.expand(…).clone()."
            )


def _repeats(tensor: Tensor) -> bool:
    sizes = zip(tensor.shape, tensor.stride(), strict=True)
    return any(size > 1 and stride == 0 for size, stride in sizes)


def _refusal(root: nn.Module, report: LoadReport, classes: tuple[int, int] | None) -> str:
    head = f"{report.path} does not fit {type(root).__name__}; nothing was loaded."
    remedy = "Build the model with the options that the file was made with"
    if report.loaded:
        remedy += f"; in Python strict=False loads the {len(report.loaded)} tensors that fit"
    elif without_wrappers(report.unexpected).removed:
        remedy = (
            "Its names are a wrapper's: take that out with "
            f"`zoo convert {report.path} -o OUT{SAFETENSORS}`"
        )
    if classes and len(report.differences()) == 1:
        remedy = (
            f"Build the model for {classes[0]} classes, or keep its own head for {classes[1]} and "
            "load the rest: --reset-head, in Python reset_head=True"
        )
    return "\n".join([head, *(f"  {line}" for line in report.differences()), f"{remedy}."])
