"""What the meters share: a vector of sums on the device, the number of samples beside it."""

import math

import torch
from torch import Tensor

from zoo_registry import InvalidData


class Sums:
    """A vector of sums whose first entry is the loss; the task's own follow.

    The vector is float64, float32 on MPS, which has no float64.
    """

    def __init__(self, device: torch.device, num_sums: int) -> None:
        dtype = torch.float32 if device.type == "mps" else torch.float64
        with torch.inference_mode(False):  # a meter may be made within and used outside
            self._sums = torch.zeros(1 + num_sums, dtype=dtype, device=device)
            self._loss = self._sums[0]
            self._own = self._sums[1:]
        self._num_samples = 0

    def _add_loss(self, num_samples: int, loss: Tensor) -> None:
        self._num_samples += num_samples
        self._loss.add_(loss.detach(), alpha=num_samples)

    def reset(self) -> None:
        """Forget everything."""
        self._num_samples = 0
        self._sums.zero_()

    def state(self) -> Tensor:
        """Return the number of samples and the sums, as one vector (S,) on the device."""
        return torch.cat([self._sums.new_full((1,), self._num_samples), self._sums])

    def merge(self, state: Tensor) -> None:
        """Add another meter's `state()` (S,)."""
        self._num_samples += int(state[0])
        self._sums += state[1:].to(self._sums)

    def _read(self) -> tuple[float, float, list[float]]:
        """Return the number of samples, the mean loss and the task's sums; waits for the device.

        The number is nan where there were none, so that all that is divided by it is too.
        """
        loss, *own = self._sums.tolist()
        num_samples = self._num_samples or math.nan
        return num_samples, loss / num_samples, own


def columns(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Return both as (B, K), without a graph; where K is 1, each may come as (B,).

    Raises:
        InvalidData: the shapes differ otherwise.
    """
    outputs = outputs.detach()
    outputs = outputs.unsqueeze(1) if outputs.ndim == 1 else outputs
    targets = targets.unsqueeze(1) if targets.ndim == 1 else targets
    if outputs.shape != targets.shape:
        raise mismatch(outputs, targets)
    return outputs, targets


def mismatch(outputs: Tensor, targets: Tensor) -> InvalidData:
    """Return the error for shapes that do not go together."""
    return InvalidData(
        f"the model's outputs have shape {tuple(outputs.shape)} and the targets "
        f"{tuple(targets.shape)}, which can't be measured against each other"
    )
