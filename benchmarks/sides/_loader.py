"""The usual DataLoader over torchvision's MNIST, which all but zoo and the bare loop use."""

from typing import Any

from torch.utils.data import DataLoader, Subset
from torchvision import transforms
from torchvision.datasets import MNIST

from ._net import BATCH_SIZE, MEAN, STD


def train_set(root: str, limit: int | None = None) -> Any:
    """Return MNIST's training images as float32 (1, 28, 28), the first `limit` of them."""
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((MEAN,), (STD,))])
    dataset = MNIST(root, train=True, transform=transform)
    return dataset if limit is None else Subset(dataset, range(min(limit, len(dataset))))


def train_loader(root: str, workers: int, limit: int | None = None) -> DataLoader[Any]:
    """Return shuffled batches; workers stay from epoch to epoch."""
    return DataLoader(
        train_set(root, limit),
        batch_size=BATCH_SIZE,
        shuffle=True,
        num_workers=workers,
        persistent_workers=workers > 0,
    )


def epoch_size(loader: Any) -> int:
    """Return how many samples an epoch has; DataLoader's own type knows of no length."""
    return len(loader.dataset)
