"""How timm's architectures want their samples."""

from typing import Any

from ._pretrained import config_of, require_weights


def expects(
    architecture: str,
    pretrained: bool = False,
    tag: str | None = None,
    image_size: int | tuple[int, int] | None = None,
    in_channels: int | None = None,
    **_options: Any,
) -> dict[str, Any]:
    """Return the options of a dataset that suit an architecture, and weights of timm's.

    Weights are at their best on samples like those they were trained on, so they decide size,
    channels and normalisation. Without them only an architecture made for one size asks for it:
    the others learn from images of any size, and small ones need not be blown up.

    Args:
        architecture: timm's name of it.
        pretrained: whether timm's weights are what training starts from.
        tag: which of them.
        image_size: the user's wish, which goes before timm's.
        in_channels: likewise; grey images get the average of the three channels' numbers.

    Returns:
        `mean` and `std`, and where they matter `image_size` and `channels`.

    Raises:
        InvalidOption: there are no such weights.
    """
    config = config_of(architecture, tag)
    wanted: dict[str, Any] = {"mean": tuple(config.mean), "std": tuple(config.std)}
    if pretrained:
        require_weights(architecture, config)
        wanted["channels"] = in_channels or 3
    elif in_channels is not None:
        wanted["channels"] = in_channels
    if image_size is not None:
        wanted["image_size"] = image_size
    elif pretrained or config.fixed_input_size:
        height, width = config.input_size[-2:]
        wanted["image_size"] = height if height == width else (height, width)
    return wanted
