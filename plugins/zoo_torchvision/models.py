"""Any of torchvision's architectures, for other channels, sizes and classes than its own."""

from typing import Any, Literal

from torch import nn
from torchvision.models import get_model

from zoo_registry import InvalidOption

from ._weights import download, find_weights, load_fitted

WeightsName = Literal[
    "DEFAULT",
    "IMAGENET1K_V1",
    "IMAGENET1K_V2",
    "IMAGENET1K_SWAG_E2E_V1",
    "IMAGENET1K_SWAG_LINEAR_V1",
]
"""Names of torchvision's weights, of which an architecture has some. IMAGENET1K_FEATURES, of
`vgg16`, is left out: behind its convolutions come layers that hold NaN."""

_WITH_AUXILIARY_HEADS = ("googlenet", "inception_v3")


def build(
    *,
    architecture: str,
    num_classes: int = 1000,
    in_channels: int = 3,
    image_size: int | tuple[int, int] | None = None,
    weights: WeightsName | None = None,
    dropout: float | None = None,
) -> nn.Module:
    """Return a torchvision model: float32 (B, C, H, W) -> logits (B, K).

    Args:
        architecture: torchvision's name of it.
        num_classes: classes to tell apart; of torchvision's weights, the head is left out where
            it has another number.
        in_channels: 1 for grey images, 3 for RGB; the weights of the first layer are adapted.
        image_size: rows and columns, one number for squares; only architectures made for one size
            (`vit_*`, `maxvit_t`) are told, the others take any. None: 224.
        weights: torchvision's, to start from, which are downloaded once; `DEFAULT` are the best
            there are. A trained model is loaded without them.
        dropout: share of the features that training drops, of architectures that have it.

    Raises:
        InvalidOption: weights that there are not, or an option the architecture does not have.
        ZooError: weights that are not here and can't be downloaded.
    """
    chosen = None if weights is None else find_weights(architecture, weights)
    options = _own_options(architecture, in_channels, image_size)
    if dropout is not None:
        options["dropout"] = dropout
    try:
        model: nn.Module = get_model(architecture, num_classes=num_classes, **options)
    except (TypeError, ValueError) as error:
        lines = str(error).splitlines() or [type(error).__name__]
        raise InvalidOption(
            f"torchvision's {architecture} refuses its options ({lines[0]})"
        ) from error
    if in_channels != 3:
        _replace_stem(model, in_channels)
    if chosen is not None:
        load_fitted(model, download(architecture, chosen), len(chosen.meta["categories"]))
    return model


def plain(
    *,
    architecture: str,
    in_channels: int = 3,
    image_size: int | tuple[int, int] | None = None,
    **options: Any,
) -> str:
    """Return the call of torchvision's that builds what `build` does; none for other channels."""
    if in_channels != 3:
        return ""
    given = {**options, **_own_options(architecture, in_channels, image_size)}
    words = "".join(f", {key}={value!r}" for key, value in given.items() if value is not None)
    return f"torchvision.models.get_model({architecture!r}{words})"


def _own_options(
    architecture: str, in_channels: int, image_size: int | tuple[int, int] | None
) -> dict[str, Any]:
    """Return what single architectures must be told."""
    if architecture in _WITH_AUXILIARY_HEADS:
        # In training they would return three outputs. Their weights are for inputs scaled in a way
        # of their own, which `transform_input` brings about; built alike with and without weights,
        # a trained model is the same when it is loaded.
        return {
            "aux_logits": False,
            "init_weights": True,
            "transform_input": in_channels == 3,
        }
    if image_size is None:
        return {}
    size = (image_size, image_size) if isinstance(image_size, int) else image_size
    if architecture.startswith("vit_"):
        if size[0] != size[1]:
            raise InvalidOption(f"{architecture} takes square images, not {size[0]}x{size[1]}")
        return {"image_size": size[0]}
    return {"input_size": size} if architecture.startswith("maxvit") else {}


def _replace_stem(model: nn.Module, in_channels: int) -> None:
    """Put a convolution for other channels in the place of the first one."""
    name, stem = next(
        (name, module) for name, module in model.named_modules() if isinstance(module, nn.Conv2d)
    )
    assert isinstance(stem, nn.Conv2d)
    kernel, stride, padding = (
        (pair[0], pair[1]) for pair in (stem.kernel_size, stem.stride, stem.padding)
    )
    parent, _, attribute = name.rpartition(".")
    other = nn.Conv2d(
        in_channels,
        stem.out_channels,
        kernel,  # type: ignore[arg-type]
        stride,  # type: ignore[arg-type]
        padding,  # type: ignore[arg-type]
        bias=stem.bias is not None,
    )
    setattr(model.get_submodule(parent), attribute, other)
