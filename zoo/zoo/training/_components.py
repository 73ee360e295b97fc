"""From a recipe's names and options to living objects."""

from typing import Any

import torch
from torch import nn

from zoo_registry import Entry, InvalidOption, ModelSpec, ZooError, resolve

from ..data import InputSpec, Prepare
from ._layout import likes_channels_last
from ._memory import is_out_of_memory


def build(entry: Entry, *supplied: Any, **options: Any) -> Any:
    """Call the builder of `entry`.

    Raises:
        InvalidOption: it does not like the options it was given.
        ZooError: it raised otherwise; its own ZooErrors come through as they are.
    """
    builder = resolve(entry.spec.address)
    try:
        return builder(*supplied, **entry.spec.arguments, **options)
    except ZooError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise
        cause = f"{type(error).__name__}: {error}".splitlines()[0]
        if options and isinstance(error, TypeError | ValueError):
            raise InvalidOption(f"{entry.name} refuses its options ({cause})") from error
        raise ZooError(f"{entry.name} could not be built ({cause})") from error


def build_module(entry: Entry, **options: Any) -> nn.Module:
    """Build a model or a loss.

    Raises:
        ZooError: the builder raised, or returned something else than a module.
    """
    module = build(entry, **options)
    if not isinstance(module, nn.Module):
        raise ZooError(f"{entry.name} built a {type(module).__name__}, not a torch.nn.Module")
    return module


def build_empty(entry: Entry, **options: Any) -> nn.Module:
    """Build a model that weights will be loaded into, without getting any to start from.

    Raises:
        ZooError: as `build_module`.
    """
    spec = entry.spec
    initial = spec.initial if isinstance(spec, ModelSpec) else ()
    return build_module(entry, **{k: v for k, v in options.items() if k not in initial})


def model_dtype(model: nn.Module) -> torch.dtype | None:
    """Return the dtype samples are cast to; None where the model embeds whole numbers."""
    if any(isinstance(module, nn.Embedding | nn.EmbeddingBag) for module in model.modules()):
        return None
    floats = (p.dtype for p in model.parameters() if p.is_floating_point())
    return next(floats, torch.float32)


def make_prepare(spec: InputSpec, task: str, model: nn.Module, device: torch.device) -> Prepare:
    """Return what brings batches of such samples, with labels for `task`, to this model."""
    dtype = model_dtype(model)
    labels = torch.int64 if task == "classification" else dtype or torch.float32
    channels_last = spec.is_image and likes_channels_last(model, device)
    return Prepare(spec, device, dtype, labels, channels_last=channels_last)
