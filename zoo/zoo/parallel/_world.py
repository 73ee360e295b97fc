"""The processes that train together, and what they tell each other."""

import os
from collections.abc import Iterable
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

from zoo_registry import UsageError

from .. import _ranks
from ._failures import RankFailed

PATIENCE = timedelta(minutes=30)
"""How long a rank waits for the others: one may decode a data set that all of them use."""


class World:
    """The process group of a training; collective, as are all its methods but `close`.

    A group that is there already is used and left; else one is made from what the launcher put
    into the environment: `gloo` for the CPU, `nccl` for CUDA. Messages about the training itself
    (`any`) go through `gloo` always, so that no GPU is waited for.

    Args:
        device: of this rank, which tensors of CUDA are on.

    Raises:
        UsageError: the environment does not say where the other ranks are.
        RankFailed: they can't be reached.
    """

    def __init__(self, device: torch.device) -> None:
        self._made = not dist.is_initialized()
        if self._made:
            _meet(device)
        self.rank = dist.get_rank()
        self.num_ranks = dist.get_world_size()
        group = dist.new_group(backend="gloo", timeout=PATIENCE)
        assert isinstance(group, dist.ProcessGroup), "every rank is in the group"
        self._messages = group

    def sum(self, values: Tensor) -> Tensor:
        """Return the sum over the ranks as a new tensor, on the device of `values`."""
        total = values.detach().clone()
        dist.all_reduce(total, group=self._group_of(total))
        return total

    def spread(self, tensors: Iterable[Tensor]) -> None:
        """Give every rank the values that `tensors` have on rank 0, in place."""
        for tensor in tensors:
            values = tensor.detach().contiguous()
            # As bytes, for not every kind of number is known to gloo
            sent = values.view(-1).view(torch.uint8)
            dist.broadcast(sent, src=0, group=self._group_of(sent))
            tensor.detach().copy_(values)

    def any(self, flag: bool) -> bool:
        """Return whether `flag` is true on some rank."""
        return bool(self.sum(torch.tensor([int(flag)])))

    def close(self) -> None:
        """Leave the group, and end it where it was made here."""
        if self._made and dist.is_initialized():
            dist.destroy_process_group()

    def _group_of(self, tensor: Tensor) -> dist.ProcessGroup | None:
        return self._messages if tensor.device.type == "cpu" else None


def _meet(device: torch.device) -> None:
    cuda = device.type == "cuda"
    if cuda:
        torch.cuda.set_device(device)
    try:
        store, rank, num_ranks = next(rendezvous("env://", timeout=PATIENCE))
        dist.init_process_group(
            "nccl" if cuda else "gloo",
            # The store outlives ranks that died; where those were found is not where the new are.
            store=PrefixStore(f"zoo-{_ranks.num_restarts()}", store),
            rank=rank,
            world_size=num_ranks,
            timeout=PATIENCE,
            device_id=device if cuda else None,
        )
    except ValueError as error:  # the environment lacks a variable, or holds nonsense in one
        raise UsageError(
            f"the other ranks can't be found ({error}); start with --ranks N or torchrun"
        ) from error
    except RuntimeError as error:
        place = f"{os.environ.get('MASTER_ADDR')}:{os.environ.get('MASTER_PORT')}"
        cause = str(error).partition("\n")[0]
        raise RankFailed(
            f"the other ranks were not reached through {place} ({cause}); see that all of them "
            "run and that no firewall is between them"
        ) from error
