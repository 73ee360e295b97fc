"""A model's tensors as they are stored: under the bare model's names, plain, on the CPU."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from ..errors import UsageError
from ._modules import Names, bare


def canonical_state_dict(model: nn.Module) -> OrderedDict[str, Tensor]:
    """Return the model's state_dict under the names that the bare model gives its tensors.

    `DataParallel`, `DistributedDataParallel`, `torch.compile` and `AveragedModel` leave no trace
    in the names, however they are nested, around the model or around its parts.

    Returns:
        Tensors that are detached, on the CPU and contiguous; names that share a tensor share it
        here too. On a CPU they may share memory with the model: clone what has to outlive the
        next step. As with PyTorch's own, `_metadata` holds the modules' versions.

    Raises:
        UsageError: a value is not a tensor of numbers that can be stored; the text names it.
    """
    root = bare(model)
    names = Names(root)
    state = root.state_dict()
    renamed = {names.canonical(key): value for key, value in state.items()}
    result = plain_tensors({name: value for name, value in renamed.items() if name is not None})
    versions = getattr(state, "_metadata", {})
    known = {new: versions[old] for old, new in names.modules().items() if old in versions}
    set_versions(result, known)
    return result


def plain_tensors(values: Mapping[str, Any]) -> OrderedDict[str, Tensor]:
    """Detach, move to the CPU and lay out densely; what was one tensor stays one.

    Raises:
        UsageError: a value is not a tensor of numbers that can be stored; the text names it.
    """
    result: OrderedDict[str, Tensor] = OrderedDict()
    seen: dict[object, Tensor] = {}
    storages: set[int] = set()
    for name, value in values.items():
        if obstacle := why_not_plain(value):
            raise UsageError(f"can't store {name!r}: it is {obstacle}.")
        place = memory_of(value)
        if place not in seen:
            seen[place] = _apart(_plain(value), storages)
        result[name] = seen[place]
    return result


def why_not_plain(value: object) -> str:
    """Say why a value is no tensor of numbers that can be stored; empty where it is one."""
    if not isinstance(value, Tensor):
        return f"a {type(value).__name__}, not a tensor"
    if is_lazy(value):
        return "not initialized yet; run one batch through the model first"
    if value.is_meta:
        return 'on the device "meta", where tensors have no values'
    if value.is_quantized or value.layout is not torch.strided:
        return f"{'quantized' if value.is_quantized else value.layout}, not a dense tensor"
    if value.is_nested or hasattr(value, "__tensor_flatten__"):
        return f"a {type(value).__name__}, not a plain tensor"
    return ""


def memory_of(tensor: Tensor) -> object:
    """Return what two tensors have in common if, and only if, they are the very same numbers."""
    if tensor.numel() == 0:  # no memory to share
        return id(tensor)
    view = (tensor.shape, tensor.stride(), tensor.dtype, tensor.is_conj(), tensor.is_neg())
    return (tensor.device, tensor.data_ptr(), *view)


def set_versions(state: OrderedDict[str, Tensor], versions: Mapping[str, Any]) -> None:
    """Attach the modules' versions where `nn.Module.load_state_dict` looks for them."""
    vars(state)["_metadata"] = OrderedDict(versions)


def _plain(tensor: Tensor) -> Tensor:
    tensor = tensor.detach().as_subclass(Tensor).resolve_conj().resolve_neg().cpu().contiguous()
    # Of a slice, torch.save would write the storage whole.
    whole = tensor.untyped_storage().nbytes() == tensor.numel() * tensor.itemsize
    return tensor if whole else tensor.clone()


def _apart(tensor: Tensor, storages: set[int]) -> Tensor:
    """Clone a tensor that is another view of memory already taken, which safetensors refuses."""
    place = tensor.untyped_storage().data_ptr()
    if tensor.numel() and place in storages:
        return tensor.clone()
    storages.add(place)
    return tensor
