"""Any of timm's architectures, for other channels, sizes and classes than it was made for."""

from typing import Any

import timm
from torch import nn

from zoo_registry import InvalidOption

from ._pretrained import config_of, full_name, loaded, require_weights


def build(  # noqa: PLR0913 - as many as people set
    *,
    architecture: str,
    num_classes: int = 1000,
    in_channels: int = 3,
    image_size: int | tuple[int, int] | None = None,
    pretrained: bool = False,
    tag: str | None = None,
    drop_rate: float | None = None,
    drop_path_rate: float | None = None,
    global_pool: str | None = None,
) -> nn.Module:
    """Return a timm model: float32 (B, C, H, W) -> logits (B, K).

    R. Wightman, "PyTorch Image Models", https://doi.org/10.5281/zenodo.4414861.

    Args:
        architecture: timm's name of it.
        num_classes: classes to tell apart; of timm's weights, the head is left out where it has
            another number.
        in_channels: 1 for grey images, 3 for RGB; timm adapts the weights of the first layer.
        image_size: rows and columns, one number for squares; only architectures made for one
            size are told, the others take any. None: the size that timm made it for.
        pretrained: start from timm's weights, which are downloaded once. A trained model is
            loaded without them.
        tag: which of timm's weights, such as `a1_in1k`; None: its default.
        drop_rate: share of the features before the head that training drops.
        drop_path_rate: share of the residual branches that training skips.
        global_pool: how features are pooled before the head, such as `avg`.

    Raises:
        InvalidOption: a tag that there is not, or an option that the architecture does not have.
        ZooError: weights that are not here and can't be downloaded.
    """
    config = config_of(architecture, tag)
    name = full_name(architecture, tag)
    options = {
        "num_classes": num_classes,
        "in_chans": in_channels,
        "drop_rate": drop_rate,
        "drop_path_rate": drop_path_rate,
        "global_pool": global_pool,
        **_size(config, image_size),
    }

    def make() -> nn.Module:
        try:
            model: nn.Module = timm.create_model(name, pretrained=pretrained, **options)
        except (TypeError, AssertionError) as error:
            raise InvalidOption(_refusal(architecture, error)) from error
        return model

    if not pretrained:
        return make()
    require_weights(architecture, config)
    return loaded(name, config, make)


def plain(
    *,
    architecture: str,
    num_classes: int = 1000,
    in_channels: int = 3,
    image_size: int | tuple[int, int] | None = None,
    tag: str | None = None,
    **options: Any,
) -> str:
    """Return the call of timm's that builds what `build` does."""
    size = _size(config_of(architecture, tag), image_size)
    given = {"num_classes": num_classes, "in_chans": in_channels, **size, **options}
    words = ", ".join(f"{key}={value!r}" for key, value in given.items() if value is not None)
    return f"timm.create_model({full_name(architecture, tag)!r}, {words})"


def _size(config: Any, image_size: int | tuple[int, int] | None) -> dict[str, Any]:
    """Return what an architecture that is made for one size must be told of it."""
    if not config.fixed_input_size or image_size is None:
        return {}
    return {"img_size": (image_size, image_size) if isinstance(image_size, int) else image_size}


def _refusal(architecture: str, error: Exception) -> str:
    """Say in one line what an architecture does not like of its options."""
    lines = str(error).splitlines()
    return f"timm's {architecture} refuses its options ({lines[0] if lines else 'no reason given'})"
