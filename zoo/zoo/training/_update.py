"""The step of a training: from gradients to the next weights."""

from collections import deque
from typing import Any

import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_, get_total_norm
from torch.optim import Optimizer

from ._average import Average
from ._plain_optimizer import clear_of, step_of

_EVERY = 16
"""Steps between two looks at the gradients' norm, where clipping does not need it anyway."""
_KEPT = 32


class Update:
    """Takes optimizer steps.

    Args:
        optimizer: built over `parameters`.
        parameters: those that are trained.
        scaler: of fp16's gradients, or None.
        clip_norm: what the norm of all gradients is clipped to; 0: not.
        average: moved after each step, or None.

    Attributes:
        clear: forgets the gradients of the step before.
        norms: of recent gradients, each with its step; on the device, unread.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        parameters: list[nn.Parameter],
        *,
        scaler: torch.amp.GradScaler | None,
        clip_norm: float,
        average: Average | None,
    ) -> None:
        self.clear = clear_of(optimizer)
        self.norms: deque[tuple[int, torch.Tensor]] = deque(maxlen=_KEPT)
        self._step = 0
        self._parameters = parameters
        self._optimizer = optimizer
        self._take = step_of(optimizer) if scaler is None else self._scaled
        self._scaler = scaler
        self._clip_norm = clip_norm
        self._average = average

    def __call__(self) -> None:
        """Take one step."""
        self._step += 1
        if self._clip_norm or self._step % _EVERY == 1:
            self._look()
        self._take()
        if self._average is not None:
            self._average.update()

    def state_dict(self) -> dict[str, Any]:
        """Return the steps taken, and the recent norms."""
        return {"step": self._step, "norms": list(self.norms)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from there."""
        self._step = state_dict["step"]
        self.norms = deque(state_dict["norms"], maxlen=_KEPT)

    def _look(self) -> None:
        """Note the norm of the gradients, and clip them where that is asked for."""
        if self._scaler is not None:
            self._scaler.unscale_(self._optimizer)
        if self._clip_norm:
            norm = clip_grad_norm_(self._parameters, self._clip_norm)
        else:
            norm = get_total_norm([p.grad for p in self._parameters if p.grad is not None])
        self.norms.append((self._step, norm.detach()))

    def _scaled(self) -> None:
        assert self._scaler is not None
        self._scaler.step(self._optimizer)
        self._scaler.update()
