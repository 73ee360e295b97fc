"""Tensors compared to the byte."""

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor


def same(one: Tensor, other: Tensor) -> bool:
    """Tell whether two tensors have the same shape, dtype and bytes."""
    alike = one.shape == other.shape and one.dtype == other.dtype
    return alike and torch.equal(_bytes(one), _bytes(other))


def digest(tensors: Mapping[str, Tensor]) -> str:
    """Return the sha256 of names and bytes, hexadecimal."""
    found = hashlib.sha256()
    for name, tensor in tensors.items():
        found.update(name.encode())
        found.update(_bytes(tensor).numpy().tobytes())
    return found.hexdigest()


def _bytes(tensor: Tensor) -> Tensor:
    """Return a tensor's bytes, which tell NaN from NaN and 0 from -0: uint8 (N,)."""
    return tensor.detach().contiguous().flatten().view(torch.uint8)
