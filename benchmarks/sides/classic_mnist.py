"""The classic example of a convolutional net on MNIST, until a given accuracy is reached.

    python classic_mnist.py --data DIR [--accuracy 0.99] [--seed 0] [--epochs 14]

After PyTorch's own example: two convolutions, Adadelta, images transformed one by one. Prints
a JSON object with the accuracy reached and the epochs it took.
"""

import argparse
import json

import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import MNIST


class Net(nn.Module):
    """Two convolutions of 3x3 and two linear layers, 1.2 million parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3, 1)
        self.conv2 = nn.Conv2d(32, 64, 3, 1)
        self.dropout1 = nn.Dropout(0.25)
        self.dropout2 = nn.Dropout(0.5)
        self.fc1 = nn.Linear(9216, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Score each image: float32 (B, 1, 28, 28) -> log-probabilities (B, 10)."""
        hidden = self.conv1(images).relu()
        hidden = nn.functional.max_pool2d(self.conv2(hidden).relu(), 2)
        hidden = self.fc1(self.dropout1(hidden).flatten(1)).relu()
        scores: torch.Tensor = self.fc2(self.dropout2(hidden)).log_softmax(dim=1)
        return scores


def train(
    net: Net, loader: DataLoader[tuple[torch.Tensor, int]], optimizer: torch.optim.Optimizer
) -> None:
    """Train for an epoch, printing the loss now and then as the example does."""
    net.train()
    for number, (images, labels) in enumerate(loader):
        optimizer.zero_grad()
        loss = nn.functional.nll_loss(net(images), labels)
        loss.backward()
        optimizer.step()
        if number % 10 == 0:
            print(f"batch {number} loss {loss.item():.6f}")


@torch.no_grad()
def accuracy(net: Net, loader: DataLoader[tuple[torch.Tensor, int]]) -> float:
    """Return the share of images whose class is recognised."""
    net.eval()
    hits = torch.cat([net(images).argmax(1) == labels for images, labels in loader])
    return float(hits.double().mean())


def main() -> None:
    """Train until the accuracy is reached, at most for so many epochs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--accuracy", type=float, default=0.99)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=14)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    transform = transforms.Compose(
        [transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))]
    )
    train_set = MNIST(options.data, train=True, transform=transform)
    test_set = MNIST(options.data, train=False, transform=transform)
    loader = DataLoader(train_set, batch_size=64, shuffle=True)
    test_loader = DataLoader(test_set, batch_size=1000)
    net = Net()
    optimizer = torch.optim.Adadelta(net.parameters(), lr=1.0)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.7)
    reached, epoch = 0.0, 0
    while reached < options.accuracy and epoch < options.epochs:
        train(net, loader, optimizer)
        reached = accuracy(net, test_loader)
        scheduler.step()
        epoch += 1
    print(json.dumps({"accuracy": reached, "epochs": epoch}))


if __name__ == "__main__":
    main()
