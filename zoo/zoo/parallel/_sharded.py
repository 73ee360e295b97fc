"""Several processes, each with a share of every batch and of every tensor of the model.

Imports torch.distributed.fsdp, so that this module is imported only where it is asked for.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from zoo_registry import UsageError

from ._distributed import Distributed, require_trainable

_LISTS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)


class Sharded(Distributed):
    """Parameters, gradients and optimizer state split over the ranks, for what fits on none.

    The model's blocks are gathered one after the other while they compute, by torch's
    `fully_shard` (FSDP2). Each parameter is replaced by its share, a `DTensor`: optimizers are
    made after `wrap`. The ranks evaluate together, as many batches each.
    """

    evaluates_together = True

    def wrap(self, model: nn.Module) -> nn.Module:
        """Split `model`, block by block: it is never whole on a GPU.

        Raises:
            UsageError: torch can't shard this model; the text says why.
        """
        require_trainable(model)
        model.to("cpu").to(memory_format=torch.contiguous_format)  # no other can be sharded
        self.world.spread([*model.parameters(), *model.buffers()])
        self.norms.install(model)
        mesh = init_device_mesh(self.device.type, (self.num_ranks,))
        try:
            for block in [*separate_blocks(model), model]:
                fully_shard(block, mesh=mesh)
        except (ValueError, NotImplementedError) as error:
            raise UsageError(f"--parallel fsdp can't shard this model: {error}") from error
        return model

    def evaluated(self, model: nn.Module, net: nn.Module) -> nn.Module:  # noqa: ARG002 - Strategy
        """Return `net`: no rank has the model whole."""
        return net

    def local(self, net: nn.Module) -> AbstractContextManager[object]:
        """Keep gradients here, whole: that takes the memory of the whole model's."""
        assert isinstance(net, FSDPModule)
        return _without_sync(net)

    def state_dict(self, model: nn.Module) -> Mapping[str, Tensor]:
        """Gather the tensors of `model` on the CPU of rank 0, one at a time; others get none."""
        own = model.state_dict(keep_vars=True)  # names of one tensor must find one again
        gathered: dict[int, Tensor] = {}
        for value in own.values():
            if id(value) not in gathered:
                gathered[id(value)] = self.gathered(value)
        if self.rank != 0:
            return {}
        result = OrderedDict((name, gathered[id(value)]) for name, value in own.items())
        vars(result)["_metadata"] = vars(own)["_metadata"]
        return result

    def gathered(self, value: Tensor) -> Tensor:
        """Gather the shares of a tensor, detached, on the CPU of rank 0; others get no values."""
        value = self.whole(value)
        return value.cpu() if self.rank == 0 else value.new_empty(0)

    def whole(self, value: Tensor) -> Tensor:
        """Gather the shares of a tensor, detached, on every rank; collective."""
        value = value.detach()
        return value.full_tensor() if isinstance(value, DTensor) else value

    def share(self, whole: Tensor, like: Tensor | None) -> Tensor:
        """Return a `DTensor` that is spread as `like` is; `whole` where that is none."""
        if not isinstance(like, DTensor) or whole.shape != like.shape:
            return whole
        whole = whole.to(self.device)
        # Every rank has read the whole: nothing needs to be sent.
        return distribute_tensor(whole, like.device_mesh, like.placements, src_data_rank=None)


def separate_blocks(model: nn.Module) -> list[nn.Module]:
    """Choose the parts of a model that are gathered one at a time; what is left is its own part.

    They are the entries of lists, wherever in the model these are, and the children beside them.
    A part that shares a parameter with another is none.
    """
    blocks = list(_blocks(model))
    holders: dict[Tensor, int] = {}
    for _, parameter in model.named_parameters(remove_duplicate=False):
        holders[parameter] = holders.get(parameter, 0) + 1
    for block in blocks:
        for _, parameter in block.named_parameters(remove_duplicate=False):
            holders[parameter] -= 1
    shared = {parameter for parameter, elsewhere in holders.items() if elsewhere}
    return [block for block in blocks if shared.isdisjoint(block.parameters())]


def _blocks(module: nn.Module) -> Iterator[nn.Module]:
    for child in module.children():
        holds_list = any(isinstance(part, _LISTS) for part in child.modules())
        if isinstance(child, _LISTS) or (holds_list and not isinstance(module, _LISTS)):
            yield from _blocks(child)
        elif next(child.parameters(), None) is not None:
            yield child


@contextmanager
def _without_sync(net: FSDPModule) -> Iterator[None]:
    net.set_requires_gradient_sync(False)
    try:
        yield
    finally:
        net.set_requires_gradient_sync(True)
