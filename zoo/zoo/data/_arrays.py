"""Datasets that lie in memory: a batch is one gather."""

import copy
import warnings
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from zoo_registry import InvalidData

# N = samples in all, B = batch


class ArrayDataset(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Samples and labels in memory, gathered a whole batch at a time.

    Args:
        samples: (N, …), a tensor or anything numpy takes; memory is shared, not copied.
        labels: (N,) or (N, K), likewise.

    Raises:
        InvalidData: different lengths, or values that are not numbers.
    """

    def __init__(self, samples: Any, labels: Any) -> None:
        self.samples = as_tensor(samples, "samples")
        self.labels = as_tensor(labels, "labels")
        if self.samples.ndim == 0 or self.labels.ndim == 0:
            raise InvalidData("samples and labels need a first dimension, the sample's number")
        if len(self.samples) != len(self.labels):
            raise InvalidData(f"{len(self.samples)} samples but {len(self.labels)} labels")

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return one sample (…) and its label () or (K,)."""
        return self.samples[index], self.labels[index]

    def batch(self, indices: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Gather samples (B, …) and labels (B,) or (B, K) at int64 `indices` (B,)."""
        indices = sent(indices, self.samples.device)
        return self.samples.index_select(0, indices), self.labels.index_select(0, indices)


def resident(split: Any, device: torch.device) -> Any:
    """Move a set that lies in memory to a CUDA device, where a quarter of what is free holds it."""
    if device.type != "cuda" or type(split) is not ArrayDataset:
        return split
    tensors = (split.samples, split.labels)
    free, _total = torch.cuda.mem_get_info(device)
    if sum(tensor.numel() * tensor.element_size() for tensor in tensors) > free / 4:
        return split
    moved = copy.copy(split)
    moved.samples, moved.labels = (tensor.to(device) for tensor in tensors)
    return moved


def sent(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Bring a tensor to a device; a GPU fetches it by itself, and nothing here waits for that."""
    is_cuda = device.type == "cuda"
    if is_cuda and tensor.device.type == "cpu":
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=is_cuda)


def as_tensor(values: Any, what: str) -> torch.Tensor:
    """View `values` as a tensor, without a copy where numpy or torch can do without.

    Raises:
        InvalidData: the values are not real numbers, dense, within int64; `what` names them in
            the text.
    """
    if isinstance(values, torch.Tensor):
        return _plain(values.detach(), what)
    try:
        array = np.asarray(values)
    except ValueError as error:  # rows of different lengths
        raise InvalidData(f"{what} do not form one array: {error}") from error
    if array.dtype.kind not in "biuf":
        raise InvalidData(f"{what} have dtype {array.dtype}; they must be numbers{_advice(what)}")
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if array.dtype in (np.uint16, np.uint32, np.uint64):  # torch has few kernels for these
        _require_int64(int(array.max(initial=0)), what)
        array = array.astype(np.int64)
    if array.dtype == np.longdouble:
        array = array.astype(np.float64)
    if any(stride < 0 for stride in array.strides):
        array = array.copy()
    with warnings.catch_warnings():
        # A read-only array is welcome: nothing here writes into samples.
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(array)


def _plain(tensor: torch.Tensor, what: str) -> torch.Tensor:
    """Bring a tensor to what batches are gathered from: dense real numbers in main memory."""
    if tensor.layout != torch.strided:
        raise InvalidData(f"{what} are a sparse tensor; give a dense one: .to_dense()")
    if tensor.is_complex():
        raise InvalidData(
            f"{what} are complex; they must be real numbers: torch.view_as_real gives both parts"
        )
    tensor = tensor.cpu()
    if tensor.dtype in (torch.uint16, torch.uint32, torch.uint64):
        return as_tensor(tensor.numpy(), what)
    return tensor


def _require_int64(largest: int, what: str) -> None:
    if largest > torch.iinfo(torch.int64).max:
        raise InvalidData(f"{what} hold {largest}, which is beyond int64; use smaller numbers")


def _advice(what: str) -> str:
    if not what.startswith("label"):
        return ""
    return ". Names of classes can be numbered with numpy.unique(names, return_inverse=True)"
