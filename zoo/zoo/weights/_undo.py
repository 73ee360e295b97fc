"""Copying values into a model whole or not at all, whatever the model's own code does."""

# ruff: noqa: SLF001 - a module's hooks and holders of tensors have no public way in

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy


def copy_in(model: nn.Module, values: Mapping[str, Tensor]) -> None:
    """Copy values that fit into a model.

    Raises:
        Exception: what the model's own code raised; the model's tensors are as they were.
    """
    if _loads_its_own_way(model):
        with _restored_on_error(model):
            model.load_state_dict(values, strict=False)
        return
    try:
        model.load_state_dict(values, strict=False)
    except (KeyboardInterrupt, SystemExit):
        # What was half done is done: it can't be undone without a copy of the old values, which
        # takes as much memory as the model.
        model.load_state_dict(values, strict=False)
        raise


def _loads_its_own_way(model: nn.Module) -> bool:
    """Say whether a module has code for loading that torch's own modules don't have."""
    for module in model.modules():
        methods = (module._load_from_state_dict, module.load_state_dict, module.set_extra_state)
        if any(not method.__module__.startswith("torch.nn.") for method in methods):
            return True
        if module._load_state_dict_pre_hooks or module._load_state_dict_post_hooks:
            return True
    return False


@contextmanager
def _restored_on_error(model: nn.Module) -> Iterator[None]:
    """Put a model's tensors back, objects and values, where the block raises."""
    holders: list[dict[str, Any]] = [
        held for module in model.modules() for held in (module._parameters, module._buffers)
    ]
    kept = [dict(held) for held in holders]
    tensors = {id(t): t for held in kept for t in held.values() if t is not None and not is_lazy(t)}
    copies = {key: tensor.detach().to("cpu", copy=True) for key, tensor in tensors.items()}
    try:
        yield
    except BaseException:
        for held, before in zip(holders, kept, strict=True):
            held.clear()
            held.update(before)
        with torch.no_grad():
            for key, tensor in tensors.items():
                tensor.copy_(copies[key])
        raise
