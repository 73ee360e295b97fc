"""Several processes, each with the whole model and a share of every batch."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

import torch
from torch import Tensor, nn

from zoo_registry import UsageError

from ..weights import canonical_state_dict
from ._averaged import Averaged
from ._synced_norm import SyncedNorms
from ._world import World


class Distributed:
    """One process for each device, gradients averaged by `DistributedDataParallel`.

    Batch norms take their statistics over all ranks while they train.

    Args:
        device: this rank's: the CPU or a GPU of its own.

    Raises:
        UsageError: another kind of device, or an environment without the other ranks.
        RankFailed: the other ranks can't be reached.
    """

    evaluates_together = False

    def __init__(self, device: torch.device) -> None:
        require_ranks_device(device)
        self.device = device
        self.world = World(device)
        self.rank = self.world.rank
        self.num_ranks = self.world.num_ranks
        self.norms = SyncedNorms()

    def wrap(self, model: nn.Module) -> nn.Module:
        """Move `model` and give every rank the weights of rank 0."""
        require_trainable(model)
        model.to(self.device)
        self.world.spread([*model.parameters(), *model.buffers()])
        self.norms.install(model)
        return Averaged(model, self.world)

    def unwrap(self, model: nn.Module) -> None:
        """Give the batch norms of `model` their own statistics again."""
        self.norms.remove(model)

    def evaluated(self, model: nn.Module, net: nn.Module) -> nn.Module:  # noqa: ARG002 - Strategy
        """Return the bare `model`: each rank measures without waiting for the others."""
        return model

    def local(self, net: nn.Module) -> AbstractContextManager[object]:
        """Keep gradients here; the forward passes too belong into the block."""
        assert isinstance(net, Averaged)
        return _without_sync(net)

    def idle(self) -> AbstractContextManager[object]:
        """Leave this rank's samples out of the statistics of batch norms."""
        return self.norms.not_counted()

    def sum(self, values: Tensor) -> Tensor:
        """Return the sum over the ranks; the CPU's through gloo, CUDA's through nccl."""
        return self.world.sum(values)

    def state_dict(self, model: nn.Module) -> Mapping[str, Tensor]:
        """Return the tensors of `model`, which are the same on every rank."""
        return canonical_state_dict(model)

    def gathered(self, value: Tensor) -> Tensor:
        """Return `value`, which every rank has whole."""
        return value

    def share(self, whole: Tensor, like: Tensor | None) -> Tensor:  # noqa: ARG002 - Strategy
        """Return `whole`: every rank has all of it."""
        return whole

    def close(self) -> None:
        """End the process group, where it was made here."""
        self.world.close()


def require_ranks_device(device: torch.device) -> None:
    """Refuse a device whose tensors can't be sent from rank to rank.

    Raises:
        UsageError: neither the CPU nor a GPU of CUDA.
    """
    if device.type not in ("cpu", "cuda"):
        raise UsageError(
            f"several ranks train on the CPU or on CUDA, not on {device}; give --device cpu, "
            "or --parallel none"
        )


def require_trainable(model: nn.Module) -> None:
    """Refuse a model without anything to train, which torch's wrappers refuse in other words.

    Raises:
        UsageError: no parameter takes a gradient.
    """
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise UsageError("no parameter of the model is trained: all of them are frozen")


@contextmanager
def _without_sync(net: Averaged) -> Iterator[None]:
    net.synced = False
    try:
        yield
    finally:
        net.synced = True
