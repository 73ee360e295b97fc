"""A loop of one's own over the usual DataLoader, after PyTorch's quickstart tutorial."""

from torch import nn

from ._loader import epoch_size, train_loader
from ._net import Clock, adam, mlp

LOG_INTERVAL = 100
"""Batches from one printed loss to the next, as in the tutorial."""


def mnist(root: str, epochs: int, workers: int, limit: int | None = None) -> dict[str, float]:
    """Train on MNIST."""
    loader = train_loader(root, workers, limit)
    net, criterion, clock = mlp(), nn.CrossEntropyLoss(), Clock()
    optimizer = adam(net)
    net.train()
    for _ in range(epochs):
        for number, (inputs, targets) in enumerate(loader):
            loss = criterion(net(inputs), targets)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            if number % LOG_INTERVAL == 0:
                print(f"loss: {loss.item():>7f}  [{number * len(inputs):>5d}]")
        clock.epoch_ended()
    return clock.figures(epoch_size(loader))
