"""Which parameters are trained, and each with which rate and weight decay."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from torch import nn

from zoo_registry import InvalidOption, nearest

from ..recipe import Recipe


@contextmanager
def frozen(model: nn.Module, patterns: Sequence[str]) -> Iterator[None]:
    """Keep parameters that match a pattern from being trained inside the block.

    Raises:
        InvalidOption: a pattern that matches none.
    """
    _require_matches("freeze", patterns, model)
    chosen = [
        parameter
        for name, parameter in model.named_parameters()
        if parameter.requires_grad and any(_matches(name, pattern) for pattern in patterns)
    ]
    for parameter in chosen:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in chosen:
            parameter.requires_grad_(True)


def frozen_modules(model: nn.Module, patterns: Sequence[str]) -> list[nn.Module]:
    """Return the modules all of whose parameters are frozen by a pattern.

    They stay in eval mode, so that the running statistics of their norms don't move either.
    """
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return [
        module
        for module in model.modules()
        if (own := [names[id(p)] for p in module.parameters()])
        and all(any(_matches(name, pattern) for pattern in patterns) for name in own)
    ]


def parameter_groups(model: nn.Module, recipe: Recipe, weight_decay: float) -> list[Any]:
    """Return what the optimizer is given: parameters, or groups of them where they differ.

    Matrices, kernels and whatever else has two dimensions or more come in the model's order, by
    which Muon tells the input layer and the output layer from those between them.

    Args:
        model: as the strategy holds it.
        recipe: `lr_scale` and `norm_decay` say how groups differ.
        weight_decay: the optimizer's; 0 where it has none.

    Raises:
        InvalidOption: a pattern of `lr_scale` that matches no parameter.
    """
    _require_matches("lr_scale", list(recipe.lr_scale), model)
    groups: list[_Group] = []
    newest = 0  # the group that the matrix before is in
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        factors = [f for pattern, f in recipe.lr_scale.items() if _matches(name, pattern)]
        # Decay pulls towards 0, which is no natural value of a norm's scale, and of a bias only
        # by chance (He et al. 2019, "Bag of Tricks", https://arxiv.org/abs/1812.01187).
        spared = weight_decay != 0 and parameter.ndim <= 1 and not recipe.norm_decay
        group = _Group(factors[-1] if factors else 1.0, spared, [])
        place = _place(groups, group, newest if parameter.ndim > 1 else 0)
        groups[place].parameters.append(parameter)
        newest = place if parameter.ndim > 1 else newest
    if [group[:2] for group in groups] == [(1.0, False)]:
        return groups[0].parameters
    return [
        {
            "params": group.parameters,
            **({"lr": recipe.lr * group.factor} if group.factor != 1 else {}),
            **({"weight_decay": 0.0} if group.spared else {}),
        }
        for group in groups
    ]


class _Group(NamedTuple):
    """Parameters with one rate and one weight decay."""

    factor: float
    spared: bool
    parameters: list[nn.Parameter]


def _place(groups: list[_Group], wanted: _Group, first: int) -> int:
    """Return where a group alike is, not before `first`; without one, append `wanted`."""
    for place in range(first, len(groups)):
        if groups[place][:2] == wanted[:2]:
            return place
    groups.append(wanted)
    return len(groups) - 1


def _matches(name: str, pattern: str) -> bool:
    """Tell whether a pattern means this parameter, or a module that it is in."""
    parts = name.split(".")
    return any(fnmatchcase(".".join(parts[:depth]), pattern) for depth in range(1, len(parts) + 1))


def _require_matches(key: str, patterns: Sequence[str], model: nn.Module) -> None:
    names = [name for name, _ in model.named_parameters()]
    for pattern in patterns:
        if any(_matches(name, pattern) for name in names):
            continue
        modules = {name.rpartition(".")[0] for name in names} - {""}
        close = nearest(pattern, [*names, *modules])
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(names[:6])}, …"
        raise InvalidOption(f"{key}: no parameter matches {pattern!r}; {hint}")
