"""A loss is one number, the mean over a batch, that outputs can be improved by."""

from typing import Any

import torch
from torch import Tensor, nn

from zoo_registry import resolve

from ..training import build_module
from ._check import Failed, Subject
from ._varied import vary

# B = batch, K = classes, labels or targets

_BATCH, _CLASSES = 6, 4
_CLOSE = 1e-4


def is_finite(subject: Subject) -> str:
    """It is a scalar, and finite, for outputs that are small, and that are large."""
    said = []
    for task, criterion in _losses(subject):
        for scale in (1.0, 100.0):
            outputs, targets = _batch(task, scale)
            loss = criterion(outputs, targets)
            if not isinstance(loss, Tensor) or loss.ndim:
                raise Failed(f"for {task} it is {_shape(loss)}, not one number")
            if not bool(torch.isfinite(loss)):
                raise Failed(
                    f"for {task} and outputs up to {float(outputs.abs().max()):.0f}: {loss:g}"
                )
            said.append(f"{task} {float(loss):.3g}" if scale == 1 else f"{float(loss):.3g}")
    return ", ".join(said)


def at_varied_options(subject: Subject) -> str:
    """Each option takes other values: it is finite, or the value is refused."""
    spec = subject.spec_entry.spec

    def attempt(options: dict[str, Any]) -> None:
        criterion = resolve(spec.address)(**spec.arguments, **options)
        for task in spec.tasks:
            loss = criterion(*_batch(task, 1.0))
            if not bool(torch.isfinite(torch.as_tensor(loss)).all()):
                raise Failed(f"for {task} it is not finite")

    return vary(subject, attempt)


def is_mean(subject: Subject) -> str:
    """The same batch twice over has the same loss."""
    for task, criterion in _losses(subject):
        outputs, targets = _batch(task, 1.0)
        once = float(criterion(outputs, targets))
        twice = float(criterion(outputs.repeat(2, 1), targets.repeat(2, *[1] * (targets.ndim - 1))))
        if abs(twice - once) > _CLOSE * max(abs(once), 1e-6):
            raise Failed(
                f"for {task} the same batch twice over has {twice:.4g}, once {once:.4g}: take the "
                "mean over the batch"
            )
    return ""


def has_gradients(subject: Subject) -> str:
    """A step against its gradient lowers it."""
    for task, criterion in _losses(subject):
        outputs, targets = _batch(task, 1.0)
        outputs.requires_grad_()
        loss = criterion(outputs, targets)
        loss.backward()
        slope = outputs.grad
        if slope is None or not bool(torch.isfinite(slope).all()):
            raise Failed(
                f"for {task} its gradient is {'missing' if slope is None else 'not finite'}"
            )
        after = float(criterion((outputs - 0.01 * slope).detach(), targets))
        if not after < float(loss):
            raise Failed(
                f"for {task} a step against its gradient leads from {loss:.4g} to {after:.4g}"
            )
    return ""


def _losses(subject: Subject) -> list[tuple[str, nn.Module]]:
    return [(task, build_module(subject.spec_entry)) for task in subject.spec_entry.spec.tasks]


def _batch(task: str, scale: float) -> tuple[Tensor, Tensor]:
    """Return outputs (B, K) of about that size, and targets (B,) or (B, K) for the task."""
    draw = torch.Generator().manual_seed(0)
    outputs = scale * torch.randn(_BATCH, _CLASSES, generator=draw)
    if task == "classification":
        return outputs, torch.arange(_BATCH) % _CLASSES
    if task == "multilabel":
        return outputs, (torch.rand(_BATCH, _CLASSES, generator=draw) > 0.5).float()
    return outputs, torch.randn(_BATCH, _CLASSES, generator=draw)


def _shape(loss: object) -> str:
    return f"of shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else type(loss).__name__
