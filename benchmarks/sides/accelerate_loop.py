"""Accelerate, after its quickstart: prepare what there is, and call its backward."""

from accelerate import Accelerator
from torch import nn

from ._loader import epoch_size, train_loader
from ._net import Clock, adam, mlp


def mnist(root: str, epochs: int, workers: int, limit: int | None = None) -> dict[str, float]:
    """Train on MNIST."""
    accelerator = Accelerator(cpu=True)
    net, criterion, clock = mlp(), nn.CrossEntropyLoss(), Clock()
    net, optimizer, loader = accelerator.prepare(net, adam(net), train_loader(root, workers, limit))
    net.train()
    for _ in range(epochs):
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = criterion(net(inputs), targets)
            accelerator.backward(loss)
            optimizer.step()
        clock.epoch_ended()
    return clock.figures(epoch_size(loader))
