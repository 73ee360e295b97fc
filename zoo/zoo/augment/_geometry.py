"""Where pixels go: flips, crops, boxes."""

import torch

# B = batch, C = channels, H/W = rows/columns


def moved(
    samples: torch.Tensor,
    padding: int,
    corners: tuple[torch.Tensor, torch.Tensor] | None,
    flips: torch.Tensor | None,
) -> torch.Tensor:
    """Flip each image from left to right, or not; pad it with zeros and cut its size out again.

    One copy onto a canvas and one gather, whatever each image asks for.

    Args:
        samples: (B, C, H, W) of any dtype.
        padding: pixels on each side.
        corners: the row and the column of the padded image at which each cut begins, int64 (B,)
            in 0..2 * padding; None: 0, for images without padding.
        flips: bool (B,); None flips none.

    Returns:
        (B, C, H, W) of the same dtype.
    """
    if not len(samples):
        return samples
    count, channels, height, width = samples.shape
    sources = [samples] if flips is None else [samples, samples.flip(-1)]
    wide, high = width + 2 * padding, height + 2 * padding
    canvas = samples.new_zeros(len(sources), count, channels, high, wide)
    for place, source in zip(canvas, sources, strict=True):
        place[:, :, padding : padding + height, padding : padding + width] = source
    images = torch.arange(count, device=samples.device)
    if flips is not None:
        images = images + count * flips
    starts = images * (channels * high * wide)
    if corners is not None:
        starts = starts + corners[0] * wide + corners[1]
    # Every (C, H, W) that can be cut out, as a view: they overlap, and only those wanted are read.
    last = (channels - 1) * high * wide + (height - 1) * wide + width - 1
    cuts = canvas.as_strided(
        (canvas.numel() - last, channels, height, width), (1, high * wide, wide, 1)
    )
    return cuts.index_select(0, starts)


def inside(
    size: torch.Size,
    top: torch.Tensor,
    bottom: torch.Tensor,
    left: torch.Tensor,
    right: torch.Tensor,
) -> torch.Tensor:
    """Mark the pixels of boxes: rows `top` to `bottom`, columns `left` to `right`, ends left out.

    Args:
        size: (H, W) of the images.
        top: int64 (B,), as the other three.
        bottom: of each box.
        left: of each box.
        right: of each box.

    Returns:
        bool (B, 1, H, W).
    """
    rows = torch.arange(size[0], device=top.device)
    columns = torch.arange(size[1], device=top.device)
    high = (rows >= top[:, None]) & (rows < bottom[:, None])
    wide = (columns >= left[:, None]) & (columns < right[:, None])
    return (high[:, :, None] & wide[:, None, :])[:, None]
