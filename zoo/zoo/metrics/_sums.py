"""What the meters share: a vector of sums on the device, the number of samples beside it."""

import math
from typing import Any

import torch
from torch import Tensor

from zoo_registry import InvalidData

MAX_PENDING = 64
"""Batches that may wait to be looked at.

Python's collector runs whenever some hundreds of objects more are alive than before, and with
torch loaded a full pass of it takes as long as 150 steps of a small model: so few are kept.
"""


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
        self._losses: list[tuple[int, Tensor]] = []

    def _add_loss(self, num_samples: int, loss: Tensor) -> None:
        if not num_samples:  # a rank's share of a small batch, whose loss is a stand-in's
            return
        self._num_samples += num_samples
        self._losses.append((num_samples, loss.detach()))
        if len(self._losses) == MAX_PENDING:
            self._sum_losses()

    def _sum_losses(self) -> None:
        """Add the pending losses, each as often as it has samples, to their sum."""
        if not self._losses:
            return
        counts, losses = zip(*self._losses, strict=True)
        # A GPU fetches pinned memory by itself; for a copy of other memory, training would wait.
        is_cuda = self._sums.is_cuda
        weights = torch.tensor(counts, dtype=self._sums.dtype, pin_memory=is_cuda)
        weights = weights.to(self._sums.device, non_blocking=is_cuda)
        self._loss.add_(torch.dot(torch.stack(losses).to(self._sums.dtype), weights))
        self._losses.clear()

    def reset(self) -> None:
        """Forget everything."""
        self._num_samples = 0
        self._losses.clear()
        self._sums.zero_()

    def state(self) -> Tensor:
        """Return the number of samples and the sums, as one vector (S,) on the device."""
        self._sum_losses()
        return torch.cat([self._sums.new_full((1,), self._num_samples), self._sums])

    def merge(self, state: Tensor) -> None:
        """Add another meter's `state()` (S,)."""
        self._num_samples += int(state[0])
        self._sums += state[1:].to(self._sums)

    def state_dict(self) -> dict[str, Any]:
        """Return all that was summed up, and the losses that were not yet, as they are.

        To sum those up here would change in which order they are, and so the last digits.
        """
        losses = [loss for _, loss in self._losses]
        return {
            "num_samples": self._num_samples,
            "sums": self._sums,
            "counts": [count for count, _ in self._losses],
            "losses": torch.stack(losses) if losses else self._sums.new_empty(0),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Add it to what is here: nothing yet, or what another rank's meter held."""
        number = self._sums.new_tensor([state_dict["num_samples"]])
        self.merge(torch.cat([number, state_dict["sums"].to(self._sums)]))
        losses = state_dict["losses"].to(self._sums.device).unbind()
        self._losses += zip(state_dict["counts"], losses, strict=True)

    def _read(self) -> tuple[float, float, list[float]]:
        """Return the number of samples, the mean loss and the task's sums; waits for the device.

        The number is nan where there were none, so that all that is divided by it is too.
        """
        self._sum_losses()
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
