"""Losses: `(outputs, targets) -> scalar mean`, on outputs of any float type.

All are computed in float32 at least (float64 where the outputs are), as torch's autocast would.
Shapes: B = batch, K = classes, labels or targets.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # its name in all of torch's documentation

from zoo_registry import InvalidData, InvalidOption

_HALVES = (torch.float16, torch.bfloat16)


def cross_entropy(
    label_smoothing: float = 0.0, weight: tuple[float, ...] | Literal["balanced"] | None = None
) -> nn.Module:
    """Return the cross-entropy of logits (B, K) with int64 classes (B,) or probabilities (B, K).

    Args:
        label_smoothing: Share of the target's probability spread evenly over all classes, in
            [0, 1] (Szegedy et al. 2016, https://arxiv.org/abs/1512.00567).
        weight: One factor per class, in class order; a training replaces `balanced` by factors
            inverse to how often each class occurs. As in torch, the mean then divides by the
            weights of the batch's targets instead of their number.

    Raises:
        InvalidOption: `label_smoothing` is outside [0, 1], a weight is negative, or `balanced`
            where there are no classes to count.
    """
    if not 0 <= label_smoothing <= 1:
        raise InvalidOption(f"label_smoothing is {label_smoothing}; it is a share, from 0 to 1")
    if isinstance(weight, str):
        raise InvalidOption("weight is 'balanced'; give one factor per class, as a list")
    return _CrossEntropy(_per_class("weight", weight), label_smoothing)


def bce_with_logits(pos_weight: tuple[float, ...] | None = None) -> nn.Module:
    """Return the binary cross-entropy of logits (B, K) with multi-hot labels (B, K) of any type.

    Args:
        pos_weight: One factor per label for where it is present, in label order: above 1 raises
            recall, below 1 precision.

    Raises:
        InvalidOption: a factor is negative.
    """
    return _BCEWithLogits(_per_class("pos_weight", pos_weight))


def mse() -> nn.Module:
    """Return the mean squared error of (B, K) or (B,) against targets of the same size."""
    return _Regression(F.mse_loss)


def l1() -> nn.Module:
    """Return the mean absolute error of (B, K) or (B,) against targets of the same size."""
    return _Regression(F.l1_loss)


def huber(delta: float = 1.0) -> nn.Module:
    """Return Huber's loss of (B, K) or (B,) against targets of the same size.

    Half the squared error up to `delta`, then `delta * (|error| - delta / 2)` (Huber 1964).

    Args:
        delta: Where it turns from squared to absolute, in the targets' unit; above 0.

    Raises:
        InvalidOption: `delta` is not above 0.
    """
    if not delta > 0:
        raise InvalidOption(f"delta is {delta}; it must be above 0")
    return _Regression(F.huber_loss, delta=delta)


class _CrossEntropy(nn.CrossEntropyLoss):
    def __init__(self, weight: Tensor | None, label_smoothing: float) -> None:
        super().__init__(weight, label_smoothing=label_smoothing)
        self.register_buffer("weight", weight, persistent=False)

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        outputs = _at_least_float32(outputs)
        weight = _checked("weight", self.weight, outputs)
        return F.cross_entropy(
            outputs,
            targets,
            weight=weight,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class _BCEWithLogits(nn.Module):
    def __init__(self, pos_weight: Tensor | None) -> None:
        super().__init__()
        self.pos_weight: Tensor | None
        self.register_buffer("pos_weight", pos_weight, persistent=False)

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        outputs = _at_least_float32(outputs)
        targets = _shaped_as(outputs, targets).to(outputs.dtype)
        pos_weight = _checked("pos_weight", self.pos_weight, outputs)
        return F.binary_cross_entropy_with_logits(outputs, targets, pos_weight=pos_weight)


class _Regression(nn.Module):
    def __init__(self, function: Callable[..., Tensor], **options: float) -> None:
        super().__init__()
        self.function = function
        self.options = options

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        outputs = _at_least_float32(outputs)
        targets = _shaped_as(outputs, targets).to(outputs.dtype)
        return self.function(outputs, targets, **self.options)


def _at_least_float32(outputs: Tensor) -> Tensor:
    """Return `outputs`, in float32 where it is of half precision."""
    return outputs.float() if outputs.dtype in _HALVES else outputs


def _shaped_as(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return `targets` in the shape of `outputs`, where at most trailing ones differ.

    Without it a (B, 1) output and a (B,) target would broadcast to (B, B) in silence.
    """
    if targets.shape == outputs.shape:
        return targets
    if _without_last_one(targets.shape) == _without_last_one(outputs.shape):
        return targets.reshape(outputs.shape)
    raise InvalidData(
        f"the model's outputs have shape {tuple(outputs.shape)} and the targets "
        f"{tuple(targets.shape)}; a batch of B samples with K targets needs (B, K) in both"
    )


def _without_last_one(shape: torch.Size) -> tuple[int, ...]:
    return shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape


def _per_class(name: str, values: Sequence[float] | None) -> Tensor | None:
    """Return the factors as a float32 tensor (K,)."""
    if values is None:
        return None
    if any(not value >= 0 for value in values):
        raise InvalidOption(f"{name} is {tuple(values)}; a factor can't be negative")
    return torch.tensor(values, dtype=torch.float32)


def _checked(name: str, values: Tensor | None, outputs: Tensor) -> Tensor | None:
    """Return the factors in the type of `outputs`, one for each of its K columns."""
    if values is None:
        return None
    if len(values) != outputs.shape[1]:
        raise InvalidOption(
            f"{name} has {len(values)} values and the model {outputs.shape[1]} outputs; "
            f"give one per class, in class order"
        )
    return values.to(outputs.dtype)
