"""The data path alone: a folder of JPEG files, cropped, flipped and normalised, twice over."""

import time
from collections.abc import Callable, Iterable
from typing import Any

from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

import zoo_registry
from zoo.recipe import make_plans
from zoo.training import Request, prepare

from ._loader import epoch_size

BATCH_SIZE = 128
Started = tuple[int, Callable[[int], Iterable[Any]]]
"""The number of images, and what yields the batches of an epoch, numbered from 1."""

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def zoo_batches(path: str) -> dict[str, float]:
    """Prepare a job as `zoo train` does, its cache included, and take its batches."""

    def begin() -> Started:
        settings = {
            "model": "mlp",
            "dataset": f"folder:{path}",
            "dataset.test_fraction": 0.0,
            "augment.crop": 4,
            "augment.flip": True,
            "batch_size": BATCH_SIZE,
            "precision": "fp32",
        }
        registry = zoo_registry.load()
        job = prepare(Request(plans=make_plans(settings, registry)), registry, print)
        return job.train.num_samples, job.train.epoch

    return _two_epochs(begin)


def torchvision_batches(path: str, workers: int) -> dict[str, float]:
    """Take the batches of a DataLoader over ImageFolder, transformed one by one."""

    def begin() -> Started:
        transform = transforms.Compose(
            [
                transforms.RandomCrop(32, 4),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize(MEAN, STD),
            ]
        )
        loader: DataLoader[Any] = DataLoader(
            ImageFolder(path, transform),
            batch_size=BATCH_SIZE,
            shuffle=True,
            num_workers=workers,
            persistent_workers=workers > 0,
        )
        return epoch_size(loader), lambda _: loader

    return _two_epochs(begin)


def _two_epochs(
    begin: Callable[[], Started],
) -> dict[str, float]:
    """Return the speeds of the first epoch, what comes before it included, and of the second."""
    started = time.perf_counter()
    num_samples, epoch = begin()
    speeds = {}
    for number, name in ((1, "first"), (2, "second")):
        taken = sum(1 for _ in epoch(number))
        assert taken == -(-num_samples // BATCH_SIZE)
        ended = time.perf_counter()
        speeds[f"{name} epoch, images/s"] = num_samples / (ended - started)
        started = ended
    return speeds
