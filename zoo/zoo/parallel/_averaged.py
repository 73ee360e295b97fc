"""A model whose gradients are averaged over the ranks."""

import inspect
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils._pytree import tree_leaves

from ._world import World

_RENAMED = "forward_sync_buffers" in inspect.signature(DistributedDataParallel).parameters
# Since torch 2.14 the old name warns.
_NO_BUFFERS: dict[str, Any] = {"forward_sync_buffers" if _RENAMED else "broadcast_buffers": False}


class Averaged(nn.Module):
    """Computes what `model` does, through a `DistributedDataParallel` made at the first step.

    Only then is it known whether the model has parameters that its output does not depend on.
    Where it has none, to look for some in every step would cost up to a quarter of the time of
    a small model's; where it has some, not to look would be an error.

    Args:
        model: on its device, the same on every rank.
        world: the ranks.
    """

    def __init__(self, model: nn.Module, world: World) -> None:
        super().__init__()
        self.model = model
        self.synced = True
        """Whether the next backward pass averages, or only adds to what is to be averaged."""
        self._world = world
        self._distributed: list[DistributedDataParallel] = []  # no child: it has this one's

    def forward(self, *inputs: Any, **options: Any) -> Any:
        """Call the model; collective in its first call for training."""
        if not torch.is_grad_enabled():
            return self.model(*inputs, **options)
        if not self._distributed:
            outputs = self.model(*inputs, **options)
            self._distributed.append(self._distribute(outputs))
        distributed = self._distributed[0]
        distributed.require_backward_grad_sync = self.synced
        return distributed(*inputs, **options)

    def _distribute(self, outputs: Any) -> DistributedDataParallel:
        used = set(_parameters_behind(outputs))
        trained = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        unused = any(parameter not in used for parameter in trained)
        return DistributedDataParallel(
            _Given(self.model, outputs),
            init_sync=False,
            find_unused_parameters=self._world.any(unused),
            gradient_as_bucket_view=True,
            **_NO_BUFFERS,
        )


class _Given(nn.Module):
    """Calls `model`, but for the first time, when its outputs are there already."""

    def __init__(self, model: nn.Module, outputs: Any) -> None:
        super().__init__()
        self.model = model
        self._outputs = [outputs]

    def forward(self, *inputs: Any, **options: Any) -> Any:
        """Return the outputs for the inputs."""
        return self._outputs.pop() if self._outputs else self.model(*inputs, **options)


def _parameters_behind(outputs: Any) -> Iterator[Tensor]:
    """Find the leaves that a backward pass from the tensors in `outputs` would reach."""
    tensors = [leaf for leaf in tree_leaves(outputs) if isinstance(leaf, Tensor)]
    waiting = [tensor.grad_fn for tensor in tensors]
    seen = set(waiting)
    while waiting:
        node = waiting.pop()
        if node is None:
            continue
        if isinstance(leaf := getattr(node, "variable", None), Tensor):
            yield leaf
        following = {function for function, _ in node.next_functions} - seen
        seen |= following
        waiting.extend(following)
