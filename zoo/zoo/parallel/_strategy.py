"""Strategies: who computes a step. Each is small, and the loop has no `if` for any of them."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

import torch
from torch import Tensor, nn

from ..weights import canonical_state_dict


class Strategy(Protocol):
    """Owns the hardware of a training.

    The gradients are those of one process that has the whole batch, given that each rank
    multiplies the mean loss over its own samples by `num_ranks` times its share of the batch.
    What is called collective is called by every rank, in the same order.
    """

    device: torch.device
    """Where samples go and where outputs come from."""
    rank: int
    """Of this process; rank 0 is the one that writes."""
    num_ranks: int
    """How many processes share each batch."""
    evaluates_together: bool
    """Whether the ranks must call what is evaluated as often as each other."""

    def wrap(self, model: nn.Module) -> nn.Module:
        """Move `model` to its device and return the module that the loop calls; collective."""
        ...

    def unwrap(self, model: nn.Module) -> None:
        """Undo what `wrap` changed in the modules of the bare `model`."""
        ...

    def evaluated(self, model: nn.Module, net: nn.Module) -> nn.Module:
        """Return what an evaluation calls: the bare `model`, or the `net` that `wrap` made."""
        ...

    def local(self, net: nn.Module) -> AbstractContextManager[object]:
        """Keep the gradients of the backward passes inside the block on this rank.

        For all micro-batches of a step but the last, whose backward pass sums over the ranks
        what has accumulated.
        """
        ...

    def idle(self) -> AbstractContextManager[object]:
        """Take part with a stand-in where a rank has no sample of its own: it counts 0 times."""
        ...

    def sum(self, values: Tensor) -> Tensor:
        """Return the sum over the ranks, on each of them, as a new tensor; collective."""
        ...

    def state_dict(self, model: nn.Module) -> Mapping[str, Tensor]:
        """Return the bare `model`'s tensors under their own names; collective.

        Whole on rank 0; where gathering them costs something, the others get none.
        """
        ...

    def gathered(self, value: Tensor) -> Tensor:
        """Return a tensor that may be spread over the ranks, whole; collective.

        Whole on rank 0; where gathering it costs something, it has no size on the others.
        """
        ...

    def share(self, whole: Tensor, like: Tensor | None) -> Tensor:
        """Return this rank's share of a tensor, spread over the ranks as `like` is; collective."""
        ...

    def close(self) -> None:
        """Give back what the strategy itself took: a process group that it made."""
        ...


class SingleDevice:
    """One device, one process."""

    rank = 0
    num_ranks = 1
    evaluates_together = False

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def wrap(self, model: nn.Module) -> nn.Module:
        """Move `model`; the loop calls it as it is."""
        return model.to(self.device)

    def unwrap(self, model: nn.Module) -> None:
        """Leave `model` alone, as `wrap` did."""

    def evaluated(self, model: nn.Module, net: nn.Module) -> nn.Module:  # noqa: ARG002 - Strategy
        """Return `net`: it computes what `model` does, on every device that there is."""
        return net

    def local(self, net: nn.Module) -> AbstractContextManager[object]:  # noqa: ARG002 - Strategy
        """Change nothing: all gradients are local."""
        return nullcontext()

    def idle(self) -> AbstractContextManager[object]:
        """Change nothing: a step has a sample."""
        return nullcontext()

    def sum(self, values: Tensor) -> Tensor:
        """Return a copy of `values`."""
        return values.clone()

    def state_dict(self, model: nn.Module) -> Mapping[str, Tensor]:
        """Return the tensors of `model`; see `zoo.weights.canonical_state_dict`."""
        return canonical_state_dict(model)

    def gathered(self, value: Tensor) -> Tensor:
        """Return `value`, which is whole."""
        return value

    def share(self, whole: Tensor, like: Tensor | None) -> Tensor:  # noqa: ARG002 - Strategy
        """Return `whole`: nothing is shared."""
        return whole

    def close(self) -> None:
        """Do nothing: nothing was taken."""
