"""What a mismatch between model and data would break, said before the first step."""

import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from zoo_registry import InvalidData, InvalidOption, ZooError

from ..data import Batches, DataFacts
from ..recipe import Recipe
from ._memory import is_out_of_memory

# B = batch, K = classes, labels or targets

_OWN = frozenset(vars(nn.Module()))
"""What every module holds itself: its registered children, parameters, buffers, hooks."""


def check_model(model: nn.Module) -> None:
    """Refuse a model part of which would never be trained.

    Raises:
        InvalidOption: modules or parameters in a plain list or dict, which `parameters()` misses,
            or nothing to train at all.
    """
    hidden = list(_hidden(model))
    if hidden:
        raise InvalidOption(
            f"{type(model).__name__}: {', '.join(hidden)} is a plain container, so its "
            "parameters would not be trained or stored; make it an nn.ModuleList, nn.ModuleDict "
            "or nn.ParameterList"
        )
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise InvalidOption(f"{type(model).__name__} has no parameters to train")


def _hidden(model: nn.Module) -> Iterator[str]:
    registered = {id(module) for module in model.modules()}
    registered |= {id(parameter) for parameter in model.parameters()}
    for path, module in model.named_modules():
        for name, value in vars(module).items():
            if name in _OWN:
                continue
            if any(id(found) not in registered for found in _trainable_in(value)):
                yield f"{path}.{name}".lstrip(".")


def _trainable_in(value: object, depth: int = 3) -> Iterator[nn.Module | nn.Parameter]:
    if isinstance(value, nn.Parameter):
        if value.requires_grad:
            yield value
    elif isinstance(value, nn.Module):
        if any(parameter.requires_grad for parameter in value.parameters()):
            yield value
    elif isinstance(value, list | tuple | dict) and depth:
        for item in value.values() if isinstance(value, dict) else value:
            yield from _trainable_in(item, depth - 1)


def check_step(net: nn.Module, batches: Batches, criterion: nn.Module, facts: DataFacts) -> None:
    """Try two real samples on the model and the loss, in eval mode.

    Raises:
        InvalidData: the model can't take them, its outputs don't fit the labels, or the loss
            can't take both.
    """
    name = _name_of(net)
    training = net.training
    net.eval()
    try:
        samples, labels, _size = batches.head(2)
        shape = tuple(facts.input.shape)
        with torch.no_grad(), _said(f"{name} can't take samples of shape {shape}"):
            outputs = net(samples)
        _check_outputs(outputs, len(samples), facts)
        shapes = f"outputs {tuple(outputs.shape)} and labels {tuple(labels.shape)}"
        with torch.no_grad(), _said(f"the loss can't take {shapes}"), _no_broadcasting():
            loss = criterion(outputs, labels)
        if not isinstance(loss, torch.Tensor) or loss.ndim:
            raise InvalidData("the loss must be one number, the mean over the batch (reduction)")
    finally:
        net.train(training)


def _name_of(net: nn.Module) -> str:
    """Return the name of the model's own class, whatever a strategy made of the model."""
    while type(net).__module__.startswith(("zoo.parallel.", "torch.nn.parallel.")):
        net = next(net.children())
    # `fully_shard` gives a module another class, which derives from its own.
    return next(
        kind.__name__
        for kind in type(net).__mro__
        if not kind.__module__.startswith("torch.distributed.")
    )


@contextmanager
def _said(what: str) -> Iterator[None]:
    """Turn whatever the user's module raises into one line."""
    try:
        yield
    except ZooError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise
        cause = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InvalidData(f"{what}: {cause}") from error


@contextmanager
def _no_broadcasting() -> Iterator[None]:
    """Refuse what torch only warns of: (B, 1) against (B,) would become (B, B)."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Using a target size")
        yield


def check_ranks(recipe: Recipe) -> None:
    """Refuse batches, or parts of them, with fewer samples than there are ranks.

    Raises:
        InvalidOption: with the batch size that would do.
    """
    least = recipe.ranks * recipe.accumulate
    if recipe.batch_size < least:
        raise InvalidOption(
            f"batches of {recipe.batch_size} samples can't be shared among {recipe.ranks} ranks in "
            f"{recipe.accumulate} parts each; use --batch-size {least} or more"
        )


def check_batch_size(model: nn.Module, batches: Batches, recipe: Recipe) -> None:
    """Refuse batches, or parts of them, of one sample where BatchNorm could not train on them.

    That is where a BatchNorm layer sees one value of each channel in a sample.

    Raises:
        InvalidOption: with the batch size that avoids it.
    """
    size, num_samples = batches.batch_size, batches.num_samples
    last = num_samples % size or size
    parts = recipe.accumulate if recipe.ranks == 1 else 1  # on ranks a part has one of each
    if min(size, last) >= 2 * min(parts, size, last) or not _has_flat_norm(
        model, batches.head(1).samples
    ):
        return
    if min(size, last) > 1:
        raise InvalidOption(
            f"batches of {size} samples, the last of {last}, in {parts} parts leave parts of one, "
            "on which BatchNorm can't train; use fewer parts (accumulate)"
        )
    better = (n for n in range(size + 1, num_samples + 1) if num_samples % n != 1)
    remedy = next((f"use --batch-size {n}" for n in better), "give it more samples")
    raise InvalidOption(
        f"{num_samples} samples in batches of {size} leave a batch of one, on which "
        f"BatchNorm can't train; {remedy}"
    )


def _has_flat_norm(model: nn.Module, sample: torch.Tensor) -> bool:
    """Tell whether a BatchNorm layer sees one value of each channel for one sample (1, …)."""
    seen: list[bool] = []

    def look(_module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        seen.append(inputs[0].numel() == inputs[0].shape[1])

    with _hooked(model, lambda m: m.register_forward_pre_hook(look), _is_norm), torch.no_grad():
        model(sample)
    return any(seen)


def _is_norm(module: nn.Module) -> bool:
    kind = nn.modules.batchnorm._BatchNorm  # noqa: SLF001 - torch has no public name for all
    return isinstance(module, kind) and module.track_running_stats


@contextmanager
def _hooked(
    model: nn.Module,
    register: Callable[[nn.Module], RemovableHandle],
    wanted: Callable[[nn.Module], bool],
) -> Iterator[None]:
    """Hook into the wanted modules of `model`, which is in eval mode inside the block."""
    handles = [register(module) for module in model.modules() if wanted(module)]
    training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(training)
        for handle in handles:
            handle.remove()


def _check_outputs(outputs: object, batch: int, facts: DataFacts) -> None:
    if not isinstance(outputs, torch.Tensor):
        raise InvalidData(
            f"the model returns a {type(outputs).__name__}; the loop needs one tensor (B, K)"
        )
    shape, width = tuple(outputs.shape), facts.num_classes
    fits = shape == (batch, width) or (
        facts.task == "regression" and shape == (batch,) == (batch,) * width
    )
    if facts.task == "classification" and outputs.ndim == 2 and shape[1] >= width:
        fits = shape[0] == batch
    if not fits:
        noun = {"classification": "classes", "multilabel": "labels"}.get(facts.task, "targets")
        raise InvalidData(
            f"the model's outputs have shape {shape} for {batch} samples; the data has {width} "
            f"{noun}, so it should be ({batch}, {width})"
        )


def activation_bytes(model: nn.Module, samples: torch.Tensor) -> int:
    """Estimate what one sample's forward pass keeps for the backward: its modules' outputs."""
    total = 0

    def count(_module: nn.Module, _inputs: object, outputs: object) -> None:
        nonlocal total
        if isinstance(outputs, torch.Tensor):
            total += outputs.numel() * outputs.element_size()

    def is_leaf(module: nn.Module) -> bool:
        return not any(True for _ in module.children())

    with _hooked(model, lambda m: m.register_forward_hook(count), is_leaf), torch.no_grad():
        model(samples)
    return math.ceil(total / len(samples))
