"""A copy of a state, in memory that is used again: what training changes next does not reach it."""

from typing import Any

import torch
from torch import Tensor

from ._tree import map_tensors


class Snapshot:
    """Memory for copies of one state after another.

    Getting the memory from the system costs several times the copy itself, so it is kept.
    """

    def __init__(self) -> None:
        self._memory: dict[str, Tensor] = {}

    def take(self, tree: Any) -> Any:
        """Return `tree` with copies of its tensors, on the CPU; they are valid until the next.

        Where it holds one tensor in two places, the copy does too.
        """
        before, self._memory = self._memory, {}
        copied: dict[int, Tensor] = {}

        def copy(place: str, tensor: Tensor) -> Tensor:
            if id(tensor) not in copied:
                memory = _fitting(before.get(place), tensor)
                copied[id(tensor)] = memory.copy_(tensor.detach(), non_blocking=True)
            self._memory[place] = copied[id(tensor)]
            return copied[id(tensor)]

        copies = map_tensors(tree, copy)
        if torch.cuda.is_initialized():
            torch.cuda.synchronize()
        return copies


def _fitting(memory: Tensor | None, tensor: Tensor) -> Tensor:
    """Return memory for a copy of `tensor`: what there is, if it fits."""
    if memory is not None and memory.shape == tensor.shape and memory.dtype == tensor.dtype:
        return memory
    return torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=tensor.is_cuda)
