"""Specs of the plugin `timm`: every architecture of an installed timm, without importing it."""

from zoo_registry import ModelSpec, hookimpl

from ._sources import architectures

when_empty = (
    "timm's models come with timm, which is not installed: pip install 'zoo-registry[timm]'"
)
"""The answer to whoever names a model of this plugin where it has none to offer."""

_RECIPE = {
    "optimizer": "adamw",
    "optimizer.weight_decay": 0.05,
    "scheduler": "one-cycle",
    "scheduler.pct_start": 0.1,
    "lr": 3e-4,
    "batch_size": 64,
    "epochs": 10,
}
"""What convolutions and transformers alike train with, from scratch and from timm's weights."""


@hookimpl
def zoo_models() -> list[ModelSpec]:
    """Return a spec for each function in timm that builds an architecture; none without timm."""
    return [
        ModelSpec(
            name=name,
            build="zoo_timm.models:build",
            arguments={"architecture": name},
            expects="zoo_timm.expects:expects",
            initial=("pretrained",),
            plain="zoo_timm.models:plain",
            recipe=_RECIPE,
            summary=summary,
        )
        for name, summary in architectures()
    ]
