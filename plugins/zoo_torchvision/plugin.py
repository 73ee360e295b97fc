"""Specs of the plugin `torchvision`: its architectures and datasets, without importing it."""

from collections.abc import Sequence

from zoo_registry import DatasetSpec, ModelSpec, hookimpl

from ._catalogue import DATASETS
from ._sources import architectures

_RECIPE = {
    "optimizer": "adamw",
    "optimizer.weight_decay": 0.05,
    "scheduler": "one-cycle",
    "scheduler.pct_start": 0.1,
    "lr": 3e-4,
    "batch_size": 64,
    "epochs": 10,
}
"""What all of them train with, from scratch and from torchvision's weights."""


@hookimpl
def zoo_models() -> list[ModelSpec]:
    """Return a spec for each of torchvision's architectures that classify images."""
    return [
        ModelSpec(
            name=name,
            build="zoo_torchvision.models:build",
            arguments={"architecture": name},
            expects="zoo_torchvision.expects:expects",
            initial=("weights",),
            plain="zoo_torchvision.models:plain",
            recipe=_RECIPE,
            summary=summary,
        )
        for name, summary in architectures()
    ]


@hookimpl
def zoo_datasets() -> Sequence[DatasetSpec]:
    """Return torchvision's datasets for classification, but those that `vision` offers."""
    return DATASETS
