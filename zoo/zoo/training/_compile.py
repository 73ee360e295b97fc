"""torch.compile in place, so that the names of the weights never change."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from zoo_registry import ZooError

_SMALL = 10_000_000
"""Parameters up to which a GPU waits for the host rather than the other way round."""


def resolve_compile(asked: str, device: torch.device, model: nn.Module) -> str:
    """Return a mode of torch.compile, or `none`.

    `auto` replays CUDA graphs (`reduce-overhead`) for a small model on a GPU, whose kernels take
    less time than their launches, else `default`.
    """
    if asked != "auto":
        return asked
    is_small = sum(parameter.numel() for parameter in model.parameters()) <= _SMALL
    return "reduce-overhead" if device.type == "cuda" and is_small else "default"


@contextmanager
def compiled(model: nn.Module, mode: str) -> Iterator[None]:
    """Let calls of `model` inside the block run compiled."""
    if mode == "none":
        yield
        return
    model.compile(mode=mode)
    try:
        yield
    finally:
        model._compiled_call_impl = None  # noqa: SLF001 - torch has no way to undo it


@contextmanager
def compiler_is_quoted() -> Iterator[None]:
    """Say in a line that a model can't be compiled; it is at its first call.

    Raises:
        ZooError: the compiler can't work here; the text says why.
    """
    try:
        yield
    except Exception as error:
        # By its name, for to import the compiler's own errors takes as long as torch does.
        if not any(kind.__name__ == "TorchDynamoException" for kind in type(error).__mro__):
            raise
        cause = str(error).strip().splitlines()[0]
        raise ZooError(
            f"the model can't be compiled here ({cause}); leave out --compile to run it as it is "
            "written"
        ) from error
