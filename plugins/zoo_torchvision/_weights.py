"""torchvision's own weights: finding, getting and fitting them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import torch
from torch import nn
from torchvision.models import get_model, get_model_weights
from torchvision.models.vision_transformer import interpolate_embeddings

from zoo import why_unreachable
from zoo_registry import InvalidOption, ZooError

# C = channels, K = classes, O = filters of the first layer

_POSITIONS = "encoder.pos_embedding"
"""Of a vision transformer, one for each patch: as many as the image size makes."""


def find_weights(architecture: str, name: str) -> Any:
    """Return torchvision's enumerated weights, which know their address and their input.

    Raises:
        InvalidOption: the architecture has none of that name; the text gives those it has.
    """
    known = get_model_weights(architecture)
    if name not in known.__members__:
        names = ", ".join(known.__members__) or "none"
        raise InvalidOption(f"torchvision has no weights {name} of {architecture}; it has: {names}")
    return known[name]


def download(architecture: str, weights: Any) -> Mapping[str, torch.Tensor]:
    """Return the state_dict of `weights` as torchvision's own model holds it.

    It is kept in torch's cache, and read from there the next time.

    Raises:
        ZooError: it is not there, and can't be downloaded.
    """
    file = Path(urlparse(weights.url).path).name
    is_here = Path(torch.hub.get_dir(), "checkpoints", file).is_file()
    if not is_here and (cause := why_unreachable((weights.url,))):
        raise _unavailable(architecture, weights, cause)
    try:
        state: dict[str, torch.Tensor] = get_model(architecture, weights=weights).state_dict()
    except (OSError, RuntimeError) as error:
        lines = str(error).splitlines() or [type(error).__name__]
        raise _unavailable(architecture, weights, lines[0]) from error
    return state


def load_fitted(model: nn.Module, state: Mapping[str, torch.Tensor], num_labels: int) -> None:
    """Load `state` into a model that may have other channels, classes or another image size.

    The first layer's filters are shared out among the channels; positions are interpolated; a
    head for another number of classes keeps its fresh values. Auxiliary heads are left out.

    Args:
        model: built for the data at hand.
        state: of the same architecture, for RGB images and its own classes.
        num_labels: the classes that `state` tells apart.

    Raises:
        InvalidOption: something else differs.
    """
    own = model.state_dict()
    fitted = {}
    for name, target in own.items():
        value = state[name]
        if value.shape == target.shape:
            fitted[name] = value
        elif name == _POSITIONS:
            fitted[name] = _interpolated(model, state)
        elif value.ndim == 4 and value.shape[1] == 3 and value.shape[0] == target.shape[0]:
            fitted[name] = shared_out(value, target.shape[1])
        elif value.shape[0] == num_labels and value.shape[1:] == target.shape[1:]:
            fitted[name] = target
        else:
            raise InvalidOption(
                f"torchvision's weights hold {name} of shape {tuple(value.shape)}, the model one "
                f"of {tuple(target.shape)}: they don't go together"
            )
    model.load_state_dict(fitted)


def shared_out(filters: torch.Tensor, channels: int) -> torch.Tensor:
    """Turn filters (O, 3, …) for RGB into (O, C, …) that answer alike to the same grey image.

    One channel gets the sum of the three; others get them in turn, scaled by 3/C.
    """
    if channels == 1:
        return filters.sum(dim=1, keepdim=True)
    turns = [index % 3 for index in range(channels)]
    return filters[:, turns] * (3 / channels)


def _interpolated(model: nn.Module, state: Mapping[str, torch.Tensor]) -> torch.Tensor:
    size: Any = model.image_size
    patch: Any = model.patch_size
    copy = {_POSITIONS: state[_POSITIONS]}
    try:
        positions: torch.Tensor = interpolate_embeddings(size, patch, copy)[_POSITIONS]
    except ValueError as error:
        raise InvalidOption(f"torchvision's weights don't fit images of {size}: {error}") from error
    return positions


def _unavailable(architecture: str, weights: Any, cause: str) -> ZooError:
    return ZooError(
        f"torchvision's weights {weights.name} of {architecture} are not on this machine and "
        f"can't be downloaded ({cause}). Try again with a network, or train from scratch: leave "
        "out model.weights"
    )
