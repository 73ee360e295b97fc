"""Trainings on one CUDA device: ResNet-50 on made-up photographs, and mnist-cnn on MNIST."""

import statistics
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision.models import resnet50

import zoo
from zoo_registry import Splits

from ._loader import epoch_size, train_set
from ._net import Clock

# N = samples in all

PHOTO_BATCH, DIGIT_BATCH = 256, 128
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_DEVICE = torch.device("cuda")


def bare_resnet(num_samples: int, epochs: int) -> dict[str, float]:
    """Train ResNet-50 on batches that lie on the device: bf16, channels last, SGD, no more."""
    images, labels = _photos(num_samples)
    net = resnet50().to(_DEVICE, memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, fused=True)
    criterion, clock = nn.CrossEntropyLoss(), Clock()
    batches = [
        (_normalised(part), targets.to(_DEVICE))
        for part, targets in zip(images.split(PHOTO_BATCH), labels.split(PHOTO_BATCH), strict=True)
    ]
    for _ in range(epochs):
        for inputs, targets in batches:
            optimizer.zero_grad()
            with torch.autocast("cuda", torch.bfloat16):
                loss = criterion(net(inputs), targets)
            loss.backward()
            optimizer.step()
        torch.cuda.synchronize()
        clock.epoch_ended()
    return clock.figures(num_samples)


def zoo_resnet(num_samples: int, epochs: int) -> dict[str, float]:
    """Train ResNet-50 from uint8 images: gathered, normalised, with metrics and progress."""
    train = zoo.ArrayDataset(*_photos(num_samples))
    splits = Splits(train=train, mean=_MEAN, std=_STD, classes=tuple(map(str, range(1000))))
    settings = {"optimizer.momentum": 0.9, "optimizer.fused": True, "precision": "bf16"}
    run = zoo.train(
        resnet50(),
        splits,
        optimizer="sgd",
        lr=0.1,
        batch_size=PHOTO_BATCH,
        epochs=epochs,
        device="cuda",
        set=settings,
    )
    return _speed(run)


def plain_cnn(root: str, epochs: int, workers: int) -> dict[str, float]:
    """Train mnist-cnn from the usual DataLoader, with pinned memory."""
    loader = DataLoader(
        train_set(root),
        batch_size=DIGIT_BATCH,
        shuffle=True,
        num_workers=workers,
        persistent_workers=workers > 0,
        pin_memory=True,
    )
    net = zoo.create_model("mnist-cnn").to(_DEVICE)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, fused=True)
    criterion, clock = nn.CrossEntropyLoss(), Clock()
    net.train()
    for _ in range(epochs):
        for images, labels in loader:
            inputs = images.to(_DEVICE, non_blocking=True)
            targets = labels.to(_DEVICE, non_blocking=True)
            optimizer.zero_grad()
            loss = criterion(net(inputs), targets)
            loss.backward()
            optimizer.step()
        torch.cuda.synchronize()
        clock.epoch_ended()
    return clock.figures(epoch_size(loader))


def zoo_cnn(root: str, epochs: int, mode: str) -> dict[str, float]:
    """Train mnist-cnn on MNIST, which stays on the device; `mode` is the recipe's `compile`."""
    run = zoo.train(
        "mnist-cnn",
        "mnist",
        optimizer="adamw",
        scheduler="constant",
        lr=1e-3,
        batch_size=DIGIT_BATCH,
        epochs=epochs,
        device="cuda",
        data_dir=root,
        set={"optimizer.fused": True, "precision": "fp32", "compile": mode},
    )
    return _speed(run)


def _speed(run: Any) -> dict[str, float]:
    return {"samples/s": statistics.median(row["samples_per_second"] for row in run.times[1:])}


def _photos(num_samples: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return uint8 images (N, 3, 224, 224) and int64 labels (N,) of 1,000 classes."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (num_samples, 3, 224, 224), dtype=torch.uint8, generator=generator)
    return images, torch.randint(1000, (num_samples,), generator=generator)


def _normalised(images: torch.Tensor) -> torch.Tensor:
    """Return a batch as the net takes it: float32 on the device, channels last."""
    mean, std = (torch.tensor(values, device=_DEVICE).view(3, 1, 1) for values in (_MEAN, _STD))
    batch = images.to(_DEVICE).float().div_(255).sub_(mean).div_(std)
    return batch.contiguous(memory_format=torch.channels_last)
