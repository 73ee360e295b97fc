"""What a mismatch between model and data would break, said before the first step."""

import math
from collections.abc import Iterator

import torch
from torch import nn

from zoo_registry import InvalidData, InvalidOption

from ..data import Batches, DataFacts

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
    if isinstance(value, nn.Parameter) or (
        isinstance(value, nn.Module) and any(True for _ in value.parameters())
    ):
        yield value
    elif isinstance(value, list | tuple | dict) and depth:
        for item in value.values() if isinstance(value, dict) else value:
            yield from _trainable_in(item, depth - 1)


def check_batch_size(model: nn.Module, num_samples: int, batch_size: int) -> None:
    """Refuse a last batch of one sample where BatchNorm could not train on it.

    Raises:
        InvalidOption: with the batch sizes that avoid it.
    """
    norms = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]  # noqa: SLF001 - torch has no public name for all of them
    if norms and num_samples % batch_size == 1 % batch_size:
        better = next(
            size for size in range(batch_size + 1, batch_size + 99) if num_samples % size != 1
        )
        raise InvalidOption(
            f"{num_samples} samples in batches of {batch_size} leave a last batch of one, on which "
            f"BatchNorm can't train; use --batch-size {better}"
        )


def check_forward(model: nn.Module, batches: Batches, facts: DataFacts) -> None:
    """Try two real samples on the model, in eval mode.

    Raises:
        InvalidData: the model can't take them, or its outputs don't fit the labels.
    """
    training = model.training
    model.eval()
    try:
        samples = batches.head(2)[0]
        with torch.no_grad():
            outputs = model(samples)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        shape = tuple(facts.input.shape)
        raise InvalidData(
            f"{type(model).__name__} can't take samples of shape {shape}: "
            f"{str(error).splitlines()[0] if str(error) else type(error).__name__}"
        ) from error
    finally:
        model.train(training)
    _check_outputs(outputs, len(samples), facts)


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

    leaves = [module for module in model.modules() if not any(True for _ in module.children())]
    handles = [module.register_forward_hook(count) for module in leaves]
    training = model.training
    try:
        with torch.no_grad():
            model.eval()(samples)
    finally:
        model.train(training)
        for handle in handles:
            handle.remove()
    return math.ceil(total / len(samples))
