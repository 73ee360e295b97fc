"""What a model is made of: nothing hidden, ties that hold, names that stay."""

import copy
import itertools
from collections import defaultdict

import torch
from torch import Tensor, nn

from ..training import check_model
from ..weights import canonical_state_dict
from ._check import Failed, Subject
from ._material import material


def none_hidden(subject: Subject) -> str:
    """`parameters()` finds all that the model computes with: no list or dict keeps a module."""
    model = material(subject).build()
    check_model(model)
    return f"{sum(1 for _ in model.modules())} modules"


def ties(subject: Subject) -> str:
    """Weights that share memory are one parameter, and still one in a copy."""
    model = material(subject).build()
    shared = _sharing(model)
    for names in shared:
        if len({id(model.get_parameter(name)) for name in names}) > 1:
            raise Failed(
                f"{' and '.join(names)} share memory, but are parameters of their own; assign one "
                "parameter to both modules"
            )
    tied = _tied(model)
    if tied != _tied(copy.deepcopy(model)) or tied != _tied(copy.deepcopy(model).double()):
        raise Failed("weights that are tied come apart when the model is copied or converted")
    return "; ".join(" = ".join(names) for names in tied) or "none are tied"


def names(subject: Subject) -> str:
    """The stored names are the bare model's, under DataParallel and compiled too."""
    model = material(subject).build()
    stored, own = set(canonical_state_dict(model)), set(model.state_dict())
    if not own:
        raise Failed("its state_dict is empty")
    compiled = torch.compile(model)
    assert isinstance(compiled, nn.Module)
    for how, net, prefix in (
        ("DataParallel", nn.DataParallel(model), "module."),
        ("torch.compile", compiled, "_orig_mod."),
        ("DataParallel around torch.compile", nn.DataParallel(compiled), "module._orig_mod."),
    ):
        # Those that plain torch would store, and those that zoo stores.
        plain = {name.removeprefix(prefix) for name in net.state_dict()}
        if odd := (plain ^ own) | (set(canonical_state_dict(net)) ^ stored):
            raise Failed(f"under {how} it has other names: {', '.join(sorted(odd)[:3])}")
    return f"{len(stored)} names"


def _tied(model: nn.Module) -> list[list[str]]:
    """Return the names of each parameter that has several."""
    named = defaultdict(list)
    for name, parameter in model.named_parameters(remove_duplicate=False):
        named[id(parameter)].append(name)
    return [each for each in named.values() if len(each) > 1]


def _sharing(model: nn.Module) -> list[tuple[str, str]]:
    """Return pairs of names whose parameters lie in memory that overlaps."""
    placed = [
        (*_span(parameter), name)
        for name, parameter in model.named_parameters(remove_duplicate=False)
        if parameter.numel()
    ]
    placed.sort(key=lambda each: each[:2])
    return [
        (first[2], second[2])
        for first, second in itertools.pairwise(placed)
        if second[0] < first[1]
    ]


def _span(tensor: Tensor) -> tuple[int, int]:
    """Return where a tensor begins in memory, and where it ends."""
    extent = sum((n - 1) * s for n, s in zip(tensor.shape, tensor.stride(), strict=True)) + 1
    begin = tensor.data_ptr()
    return begin, begin + extent * tensor.element_size()
