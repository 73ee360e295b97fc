"""The precision of a training: what autocast computes in, and fp16's gradient scaler."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import nn

from zoo_registry import InvalidOption

from ._layout import convolves

_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


def resolve_precision(asked: str, device: torch.device, model: nn.Module) -> str:
    """Return `fp32`, `bf16` or `fp16`; `auto` takes bf16 where the hardware computes in it.

    On a CPU that is worth it for convolutions only: small matrices cost more to convert than the
    product saves. A model of another dtype than float32 keeps its own.

    Raises:
        InvalidOption: a precision that the device or the model does not have.
    """
    is_float32 = all(p.dtype == torch.float32 for p in model.parameters() if p.is_floating_point())
    if asked == "auto":
        suits = device.type == "cuda" or convolves(model)
        return "bf16" if is_float32 and suits and _computes_bf16(device) else "fp32"
    if asked != "fp32" and not is_float32:
        raise InvalidOption(
            f"precision={asked} is for models in float32; this one is not: use fp32"
        )
    if asked != "fp32" and device.type == "mps":
        raise InvalidOption(f"precision={asked} is for CUDA and CPUs; use fp32 on {device}")
    return asked


def _computes_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu":
        return False
    # Elsewhere bf16 is emulated: 7 times slower than fp32, measured with AVX2.
    tests = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, bool)() for name in tests)


class Precision:
    """How forward and backward passes are computed.

    Attributes:
        name: `fp32`, `bf16` or `fp16`.
        scaler: of the loss, which keeps small fp16 gradients from vanishing (Micikevicius et al.
            2018, https://arxiv.org/abs/1710.03740); None unless fp16.
    """

    def __init__(self, name: str, device: torch.device) -> None:
        self.name = name
        self.scaler = torch.amp.GradScaler(device.type) if name == "fp16" else None
        self._device = device
        self._dtype = _DTYPES.get(name)

    def autocast(self) -> AbstractContextManager[None]:
        """Return the context for a forward pass and its loss."""
        if self._dtype is None:
            return nullcontext()
        return torch.autocast(self._device.type, self._dtype)

    @property
    def backward(self) -> Callable[[torch.Tensor], None]:
        """What computes the gradients of a loss (), scaled where there is a scaler."""
        if self.scaler is None:
            return torch.Tensor.backward
        scale = self.scaler.scale
        return lambda loss: scale(loss).backward()


@contextmanager
def float32_products(device: torch.device, *, tf32: bool) -> Iterator[None]:
    """Let CUDA round the inputs of float32 products inside the block, or not."""
    if device.type != "cuda":
        yield
        return
    cudnn: Any = torch.backends.cudnn  # its types know nothing of these settings yet
    places: list[Any] = [torch.backends.cuda.matmul, cudnn.conv, cudnn.rnn]
    before = [place.fp32_precision for place in places]
    for place in places:
        place.fp32_precision = "tf32" if tf32 else "ieee"
    try:
        yield
    finally:
        for place, value in zip(places, before, strict=True):
            place.fp32_precision = value
