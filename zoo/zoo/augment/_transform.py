"""A user's own transform, by its address."""

from collections.abc import Callable
from typing import cast

import torch

from zoo_registry import InvalidOption, SpecError, resolve

Transform = Callable[[torch.Tensor], torch.Tensor]


def find_transform(address: str) -> Transform:
    """Import the transform at `package.module:attribute`; a class is called without arguments.

    Raises:
        InvalidOption: it can't be imported, made or called.
    """
    try:
        found = resolve(address)
        transform = found() if isinstance(found, type) else found
    except SpecError as error:
        raise InvalidOption(
            f"augment.transform: {error}; write package.module:attribute, of a module that can be "
            "imported"
        ) from error
    except Exception as error:
        cause = f"{type(error).__name__}: {error}"
        raise InvalidOption(
            f"augment.transform: {address} can't be made without arguments ({cause}); name one "
            "that is made already: train = v2.RandomRotation(10)"
        ) from error
    if not callable(transform):
        raise InvalidOption(
            f"augment.transform: {address} is a {type(transform).__name__}, which can't be called "
            "with a sample"
        )
    return cast("Transform", transform)
