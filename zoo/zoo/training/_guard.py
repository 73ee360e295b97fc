"""A non-finite loss stops the run before the update reaches the weights."""

import math
from collections import deque
from typing import Any, Protocol

import torch
from torch import nn
from torch.optim import Optimizer

_KEPT = 32
"""Losses that are remembered."""
_BEHIND = 8
"""Steps that a device may be behind before the host waits for it."""


class NotFinite(Exception):
    """The loss of a step is NaN or infinite; the weights are those before it."""

    def __init__(self, step: int, loss: float) -> None:
        super().__init__(step, loss)
        self.step = step
        self.loss = loss


class FiniteGuard(Protocol):
    """Looks at each step's loss between its backward pass and its update."""

    step: int
    """Steps that `check` has seen, from the start of the run."""
    last: float
    """The newest loss that is known, for display; NaN before the first."""
    losses: deque[tuple[int, float]]
    """Recent ones, each with its step."""

    def watch(self, loss: torch.Tensor) -> None:
        """Note the loss () of the step that is computed, detached, on the device.

        Once more where the step is done again, for memory did not suffice.
        """

    def check(self) -> None:
        """Let the update pass, or not.

        Raises:
            NotFinite: a loss is NaN or infinite.
        """

    def drain(self) -> None:
        """Look at what is still on its way; raises as `check`."""

    def state_dict(self) -> dict[str, Any]:
        """Return what is known of the steps done; to be called after `drain`."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from there."""


def make_guard(
    device: torch.device, optimizer: Optimizer, probe: nn.Parameter | None, *, scaled: bool
) -> FiniteGuard:
    """Return the guard for a device.

    Args:
        device: of the losses.
        optimizer: whose updates are guarded.
        probe: a parameter whose gradient, summed over ranks, tells of a loss that was not finite
            on another one; None: there is no other.
        scaled: whether a gradient scaler skips such updates anyway.
    """
    if device.type == "cuda":
        return DeviceGuard(device, optimizer, probe, scaled=scaled)
    return HostGuard(probe)


class _Guard:
    def __init__(self, probe: nn.Parameter | None) -> None:
        self.step = 0
        self.last = math.nan
        self.losses: deque[tuple[int, float]] = deque(maxlen=_KEPT)
        self._probe = probe
        self._loss: torch.Tensor

    def watch(self, loss: torch.Tensor) -> None:
        self._loss = loss

    def state_dict(self) -> dict[str, Any]:
        """Return what is known of the steps done; to be called after `drain`."""
        return {"step": self.step, "last": self.last, "losses": list(self.losses)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from there."""
        self.step, self.last = state_dict["step"], state_dict["last"]
        self.losses = deque(state_dict["losses"], maxlen=_KEPT)

    def _seen(self) -> torch.Tensor:
        """Return what is not finite where this loss, or another rank's, is not."""
        if self._probe is None or self._probe.grad is None:
            return self._loss
        return self._loss + 0 * self._probe.grad.sum()

    def _note(self, step: int, loss: float) -> None:
        self.last = loss
        self.losses.append((step, loss))
        if not math.isfinite(loss):
            raise NotFinite(step, loss)


class HostGuard(_Guard):
    """For losses that the host can read at no cost."""

    def check(self) -> None:
        """Let the update pass, or raise."""
        self.step += 1
        self._note(self.step, self._seen().item())

    def drain(self) -> None:
        """Have nothing to wait for."""


class DeviceGuard(_Guard):
    """For losses on a device that runs behind the host, which must not wait for it.

    From a loss that is not finite on, a flag on the device makes the optimizer's kernels skip
    their updates (the one that gradient scalers use); the host learns of it some steps later.
    An optimizer that knows no such flag is held up until the loss has been copied: the backward
    pass is queued behind that copy, so the device does not idle.
    """

    def __init__(
        self,
        device: torch.device,
        optimizer: Optimizer,
        probe: nn.Parameter | None,
        *,
        scaled: bool,
    ) -> None:
        super().__init__(probe)
        self._flag = torch.zeros((), device=device)
        skips = bool(getattr(optimizer, "_step_supports_amp_scaling", False))
        if skips and not scaled:
            optimizer.found_inf = self._flag  # type: ignore[attr-defined]
            optimizer.grad_scale = None  # type: ignore[attr-defined]
        self._allowed = _BEHIND if skips or scaled else 0
        self._sent: deque[tuple[int, torch.Tensor, torch.cuda.Event]] = deque()

    def watch(self, loss: torch.Tensor) -> None:
        """Note the loss () of this step."""
        super().watch(loss)
        if self._probe is None:
            self._send(self._loss, self.step + 1)

    def check(self) -> None:
        """Raise where a loss that has arrived is not finite."""
        self.step += 1
        if self._probe is not None:  # known once the gradients have been summed over the ranks
            self._send(self._seen(), self.step)
        self._receive(self._allowed)

    def drain(self) -> None:
        """Wait for all losses."""
        self._receive(0)

    def _send(self, seen: torch.Tensor, step: int) -> None:
        self._flag.copy_(torch.maximum(self._flag, (~torch.isfinite(seen)).float()))
        host = torch.empty((), dtype=seen.dtype, pin_memory=True)
        host.copy_(seen, non_blocking=True)
        event = torch.cuda.Event()
        event.record(torch.cuda.current_stream(seen.device))
        self._sent.append((step, host, event))

    def _receive(self, allowed: int) -> None:
        while self._sent and (len(self._sent) > allowed or self._sent[0][2].query()):
            step, host, event = self._sent.popleft()
            event.synchronize()
            self._note(step, host.item())
