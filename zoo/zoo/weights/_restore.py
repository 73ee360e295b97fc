"""Giving a model back the very tensors it had, as a checkpoint of the same training holds them."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from ._modules import Names, bare

_EXTRA = "_extra_state"
"""The last part of the key of what `nn.Module.get_extra_state` returns."""


@torch.no_grad()
def restore_tensors(
    model: nn.Module, tensors: Mapping[str, Tensor], share: Callable[[Tensor, Tensor], Tensor]
) -> None:
    """Copy `tensors` into `model` in place, byte by byte.

    Args:
        model: of the same form as the one whose tensors they were, on any device.
        tensors: by canonical name, as `canonical_state_dict` returns them.
        share: given a tensor and the model's own, returns the part of the former that the latter
            holds: all of it, unless the model is spread over ranks.

    Raises:
        ValueError: the model has other tensors; nothing was copied.
    """
    root = bare(model)
    names = Names(root)
    live = root.state_dict(keep_vars=True)
    keys = {key: name for key in live if (name := names.canonical(key)) is not None}
    for key, name in keys.items():
        if name not in tensors or tensors[name].shape != live[key].shape:
            raise ValueError(f"it is of another model: {name} differs")
    if len({*keys.values()}) != len(tensors):
        raise ValueError(f"it is of another model: {len(tensors)} tensors, not {len(keys)}")
    for key, name in keys.items():
        path, _, last = key.rpartition(".")
        if last == _EXTRA:
            root.get_submodule(path).set_extra_state(tensors[name])
        else:
            live[key].detach().copy_(share(tensors[name], live[key]))
