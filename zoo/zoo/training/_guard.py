"""A non-finite loss stops the run before the update reaches the weights."""

import math

import torch

from ..errors import Diverged


class FiniteGuard:
    """Looks at each step's loss between its backward pass and its update.

    On CUDA the loss is copied to pinned memory right after the forward pass, and what is waited
    for is that copy: the backward pass is already queued behind it, so the device never idles.

    Attributes:
        last: the newest loss, for display; NaN before the first step.
        step: optimizer steps done or begun, counted from 1 over the whole run.
    """

    def __init__(self, device: torch.device, num_steps: int) -> None:
        self.last = math.nan
        self.step = 0
        self._num_steps = num_steps
        self._loss: torch.Tensor
        self._copied = torch.cuda.Event() if device.type == "cuda" else None
        self._host = torch.empty((), pin_memory=True) if self._copied else None

    def watch(self, loss: torch.Tensor) -> torch.Tensor:
        """Note the loss () of this step, on the device; return it as it came."""
        self.step += 1
        self._loss = loss.detach()
        if self._host is not None and self._copied is not None:
            self._host.copy_(self._loss, non_blocking=True)
            self._copied.record(torch.cuda.current_stream(self._loss.device))
        return loss

    def check(self) -> None:
        """Let the update pass, or not.

        Raises:
            Diverged: the loss is NaN or infinite.
        """
        if self._copied is not None and self._host is not None:
            self._copied.synchronize()
            self.last = self._host.item()
        else:
            self.last = self._loss.item()
        if not math.isfinite(self.last):
            raise Diverged(
                f"the loss became {self.last} at step {self.step} of {self._num_steps}; the "
                "weights were not updated with it. Try a lower --lr, a scheduler with warm-up, "
                "or look at the data: non-finite samples do this too"
            )
