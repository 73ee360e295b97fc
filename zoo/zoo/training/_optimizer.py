"""The optimizer of a job: its groups, and the fused kernel where torch has one."""

from typing import Any

import torch

from zoo_registry import Entry, InvalidOption, read_signature

from ..recipe import Recipe
from ._components import build
from ._groups import parameter_groups

_RIVALS = ("fused", "foreach", "capturable", "differentiable")
"""Options that choose an implementation: where the user set one, nothing is chosen for him."""


def build_optimizer(
    entry: Entry, model: torch.nn.Module, recipe: Recipe, device: torch.device
) -> tuple[torch.optim.Optimizer, dict[str, Any]]:
    """Return the optimizer and its options, `fused` among them where it is.

    One kernel for all parameters saves a third of a small model's step.

    Raises:
        InvalidOption: it does not like its options.
    """
    options = dict(recipe.options.get("optimizer", {}))
    known = {option.name: option.default for option in read_signature(entry.spec.address).options}
    decay = options.get("weight_decay", known.get("weight_decay", 0.0))
    groups = parameter_groups(model, recipe, decay if isinstance(decay, int | float) else 0.0)
    if _may_fuse(entry, recipe, known, options, device) and _is_fusible(model):
        try:
            return build(entry, groups, lr=recipe.lr, **options, fused=True), options | {
                "fused": True
            }
        except InvalidOption:  # not for these parameters or options; the plain one says why, if so
            groups = parameter_groups(model, recipe, decay if isinstance(decay, int | float) else 0)
    return build(entry, groups, lr=recipe.lr, **options), options


def _may_fuse(
    entry: Entry,
    recipe: Recipe,
    known: dict[str, Any],
    options: dict[str, Any],
    device: torch.device,
) -> bool:
    return (
        entry.spec.address.startswith("torch.optim")
        and "fused" in known
        and recipe.parallel != "fsdp"  # not all fused kernels know tensors spread over ranks
        and device.type in ("cpu", "cuda")
        and not any(options.get(name) for name in _RIVALS)
        and options.get("fused") is None
    )


def _is_fusible(model: torch.nn.Module) -> bool:
    """Tell whether fused kernels can train the model: real numbers, whose gradients are dense.

    They find out otherwise in the first step only, where other kernels would have done.
    """
    trained = (
        (module, parameter)
        for module in model.modules()
        for parameter in module.parameters(recurse=False)
        if parameter.requires_grad
    )
    return all(
        parameter.is_floating_point() and getattr(module, "sparse", None) is not True
        for module, parameter in trained
    )
