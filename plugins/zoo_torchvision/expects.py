"""How torchvision's architectures want their samples."""

from typing import Any

from ._weights import find_weights

_MADE_FOR_ONE_SIZE = ("vit_", "maxvit")
_SIZE = 224
"""Rows and columns that they are made for."""


def expects(
    architecture: str,
    weights: str | None = None,
    image_size: int | tuple[int, int] | None = None,
    in_channels: int | None = None,
    **_options: Any,
) -> dict[str, Any]:
    """Return the options of a dataset that suit an architecture, and weights of torchvision's.

    Weights are at their best on samples like those they were trained on, so they decide size,
    channels and normalisation. Without them only an architecture made for one size asks for it.

    Args:
        architecture: torchvision's name of it.
        weights: those that training starts from.
        image_size: the user's wish, which goes before torchvision's.
        in_channels: likewise; grey images get the average of the three channels' numbers.

    Returns:
        Any of `image_size`, `channels`, `mean` and `std`.

    Raises:
        InvalidOption: there are no such weights.
    """
    wanted: dict[str, Any] = {}
    if architecture.startswith(_MADE_FOR_ONE_SIZE):
        wanted["image_size"] = _SIZE
    if weights is not None:
        made_with = find_weights(architecture, weights).transforms()
        wanted = {
            "image_size": made_with.crop_size[0],
            "channels": 3,
            "mean": tuple(made_with.mean),
            "std": tuple(made_with.std),
        }
    asked = {"image_size": image_size, "channels": in_channels}
    return wanted | {name: value for name, value in asked.items() if value is not None}
