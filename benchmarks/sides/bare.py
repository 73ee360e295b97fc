"""The limit: forward, loss, backward, step on batches that lie ready, and nothing else."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from ._net import BATCH_SIZE, MEAN, STD, Clock, adam, mlp

Batches = list[tuple[torch.Tensor, torch.Tensor]]


def random_batches(num_samples: int, epochs: int, *, fused: bool) -> dict[str, float]:
    """Train on made-up samples, as `zoo_run.random_samples` makes them."""
    samples, labels = made_up(num_samples)
    return _train(samples, labels, epochs, fused=fused)


def mnist(root: str, epochs: int) -> dict[str, float]:
    """Train on MNIST, prepared and shuffled beforehand."""
    torch.manual_seed(0)
    return _train(*prepared(root), epochs, fused=True)


def prepared(root: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Return MNIST's training set in random order: float32 (N, 1, 28, 28), int64 (N,)."""
    images = torch.from_numpy(_read(root, "train-images-idx3-ubyte", 16)).view(-1, 1, 28, 28)
    labels = torch.from_numpy(_read(root, "train-labels-idx1-ubyte", 8)).long()
    order = torch.randperm(len(images))
    samples = torch.empty(images.shape)
    # Batch by batch: no copy of all images is made on the way, for memory is measured, too.
    for part, indices in zip(samples.split(BATCH_SIZE), order.split(BATCH_SIZE), strict=True):
        part.copy_(images[indices]).div_(255).sub_(MEAN).div_(STD)
    return samples, labels[order]


def made_up(num_samples: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return float32 samples (N, 784) and int64 labels (N,)."""
    generator = torch.Generator().manual_seed(0)
    samples = torch.randn(num_samples, 784, generator=generator)
    return samples, torch.randint(10, (num_samples,), generator=generator)


def _train(
    samples: torch.Tensor, labels: torch.Tensor, epochs: int, *, fused: bool
) -> dict[str, float]:
    batches = list(zip(samples.split(BATCH_SIZE), labels.split(BATCH_SIZE), strict=True))
    net, criterion, clock = mlp(), nn.CrossEntropyLoss(), Clock()
    optimizer = adam(net, fused=fused)
    for _ in range(epochs):
        for inputs, targets in batches:
            optimizer.zero_grad()
            loss = criterion(net(inputs), targets)
            loss.backward()
            optimizer.step()
        clock.epoch_ended()
    return clock.figures(len(samples))


def _read(root: str, name: str, header: int) -> "np.ndarray[tuple[int], np.dtype[np.uint8]]":
    """Return the bytes of one of MNIST's files that follow its header."""
    return np.fromfile(Path(root) / "MNIST" / "raw" / name, dtype=np.uint8, offset=header)
