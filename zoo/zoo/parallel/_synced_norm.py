"""Batch norms whose statistics are those of the whole batch, whichever rank has which part.

torch's own `SyncBatchNorm` replaces modules, and refuses tensors on the CPU.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import MethodType
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm
from torch.overrides import TorchFunctionMode

# N = samples on this rank, C = channels, * = any further dimensions, R = ranks


class SyncedNorms:
    """Makes the batch norms of a model take their statistics over the ranks, and undoes it.

    The modules stay what they are, with their names, classes and tensors: only how they compute
    in training mode changes. That holds for classes derived from torch's too, as long as they
    compute through `torch.nn.functional.batch_norm`.
    """

    def __init__(self) -> None:
        self._mode = _Synced()

    def install(self, model: nn.Module) -> None:
        """Change every batch norm in `model`; what it computes is collective from now on."""
        for norm in _batch_norms(model):
            if "forward" not in vars(norm):
                # A bound method, for a deep copy of the module to call its own
                vars(norm)["forward"] = MethodType(self._forward_of(type(norm)), norm)

    def remove(self, model: nn.Module) -> None:
        """Make every batch norm in `model` compute as its class does."""
        for norm in _batch_norms(model):
            if getattr(vars(norm).get("forward"), "__name__", "") == "synced_forward":
                del vars(norm)["forward"]

    @contextmanager
    def not_counted(self) -> Iterator[None]:
        """Leave what this rank computes inside the block out of the statistics."""
        self._mode.counted = False
        try:
            yield
        finally:
            self._mode.counted = True

    def _forward_of(self, kind: type[_BatchNorm]) -> Callable[[_BatchNorm, Tensor], Tensor]:
        mode = self._mode
        # SyncBatchNorm's own can't do without CUDA; below it is an ordinary batch norm.
        plain = _BatchNorm.forward if issubclass(kind, nn.SyncBatchNorm) else kind.forward

        def synced_forward(norm: _BatchNorm, *arguments: Any, **options: Any) -> Tensor:
            if not norm.training:
                return plain(norm, *arguments, **options)
            with mode:
                return plain(norm, *arguments, **options)

        return synced_forward


def _batch_norms(model: nn.Module) -> Iterator[_BatchNorm]:
    return (module for module in model.modules() if isinstance(module, _BatchNorm))


class _Synced(TorchFunctionMode):
    """Answers calls of `functional.batch_norm` that take statistics from the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.counted = True

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if func is functional.batch_norm:
            return self._batch_norm(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))

    def _batch_norm(
        self,
        values: Tensor,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        training: bool = False,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> Tensor:
        """Do what `functional.batch_norm` does, (N, C, *) -> (N, C, *), over all ranks."""
        if not training:
            return functional.batch_norm(
                values, running_mean, running_var, weight, bias, momentum=momentum, eps=eps
            )
        over = _statistics(values.detach(), eps, counted=self.counted)
        if running_mean is not None:
            running_mean.lerp_(over.mean.to(running_mean.dtype), momentum)
        if running_var is not None:
            unbiased = over.var * (over.count / (over.count - 1))
            running_var.lerp_(unbiased.to(running_var.dtype), momentum)
        result: Tensor = _Normalize.apply(values, weight, bias, over)
        return result


@dataclass(frozen=True)
class _Statistics:
    """What the values of all ranks are normalized by, in single precision at least."""

    mean: Tensor
    """(C)"""
    var: Tensor
    """Biased, (C)."""
    count: Tensor
    """Values a channel, ()."""
    eps: float
    counted: bool
    """Whether the values of this rank are among them."""


def _statistics(values: Tensor, eps: float, *, counted: bool) -> _Statistics:
    """Return the statistics over all ranks of what is (N, C, *) here.

    The shares are merged by their counts, which loses no digits to cancellation (Chan, Golub
    and LeVeque 1979).

    Raises:
        ValueError: the ranks together have one value a channel, as torch's batch norm does.
    """
    num_channels = values.size(1)
    num_values = values.numel() // max(num_channels, 1) if counted else 0
    values = values.to(torch.promote_types(values.dtype, torch.float32))
    if num_values:
        var, mean = torch.var_mean(values, dim=_all_but_channels(values), correction=0)
    else:
        var = mean = values.new_zeros(num_channels)
    share = torch.cat([mean, var, values.new_full((1,), num_values)])  # (2C + 1)
    shares = [torch.empty_like(share) for _ in range(dist.get_world_size())]
    dist.all_gather(shares, share)
    means, variances, counts = torch.stack(shares).split([num_channels, num_channels, 1], dim=1)
    count = counts.sum()
    # Looked at only where a rank's own values do not suffice: on CUDA this waits for the GPU.
    if num_values < 2 and count < 2:
        raise ValueError(
            "Expected more than 1 value per channel when training, over all ranks; "
            f"got input size {tuple(values.shape)} on this one"
        )
    weights = counts / count  # (R, 1)
    mean = (weights * means).sum(0)
    var = (weights * (variances + (means - mean) ** 2)).sum(0)
    return _Statistics(mean, var, count, eps, counted)


class _Normalize(torch.autograd.Function):
    """Normalize (N, C, *) by statistics that depend on the values of all ranks."""

    @staticmethod
    def forward(
        ctx: Any, values: Tensor, weight: Tensor | None, bias: Tensor | None, over: _Statistics
    ) -> Tensor:
        ctx.save_for_backward(values, weight)
        ctx.over = over
        return functional.batch_norm(
            values, over.mean, over.var, weight, bias, training=False, eps=over.eps
        )

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of the sum of all ranks' losses: (N, C, *), (C), (C)."""
        values, weight = ctx.saved_tensors
        over: _Statistics = ctx.over
        shape = [1, -1] + [1] * (values.dim() - 2)
        scale = (over.var + over.eps).rsqrt()
        normal = (values - over.mean.view(shape)) * scale.view(shape)
        gradient = gradients[0].to(normal.dtype)
        dims = _all_but_channels(values)
        of_bias, of_weight = gradient.sum(dims), (gradient * normal).sum(dims)
        sums = torch.stack([of_bias, of_weight])  # (2, C)
        dist.all_reduce(sums)
        if over.counted:  # what is not counted has no part in the statistics
            mean_gradient, mean_product = (sums / over.count).view(2, *shape)
            gradient = gradient - mean_gradient - normal * mean_product
        if weight is None:
            return (gradient * scale.view(shape)).to(values.dtype), None, None, None
        of_values = (gradient * (scale * weight).view(shape)).to(values.dtype)
        return of_values, of_weight.to(weight.dtype), of_bias.to(weight.dtype), None


def _all_but_channels(values: Tensor) -> list[int]:
    return [0, *range(2, values.dim())]
