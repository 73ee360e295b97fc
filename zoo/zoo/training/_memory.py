"""Running out of memory, in all the ways torch has of saying so."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ..errors import OutOfMemory

_CPU_TEXTS = ("can't allocate memory", "not enough memory", "Storage size calculation overflowed")
"""Of the RuntimeErrors that torch's CPU allocators raise, on Linux and macOS and on Windows."""


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether `error` means that memory did not suffice."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error) for text in _CPU_TEXTS)


@contextmanager
def out_of_memory_is_said() -> Iterator[None]:
    """Turn those errors, raised inside the block, into `OutOfMemory`."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise OutOfMemory(
            "out of memory; use a smaller --batch-size, a smaller model (`zoo info MODEL` shows "
            "its options), or --dry-run for an estimate"
        ) from error
