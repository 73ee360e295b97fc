"""What an export is tried on: samples of the model's test data, else made-up ones."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch

from zoo_registry import DatasetSpec, InvalidData, Registry, ZooError

from ..card import Card
from ..data import InputSpec, if_cached, length, match_dtype, read_item
from ..home import data_dir
from ..inference import plan_trained
from ..training import load_splits

# N = samples

_NUM = 8
_STRETCHES = ((2.1, 1.7), (0.6, 0.8), (0.7, 3.1))
"""Of the model's rows and columns, in images of other sizes."""


class Samples(NamedTuple):
    """Samples as the dataset gives them, and where they are from."""

    values: torch.Tensor
    """(N, …), of the dataset's dtype."""
    origin: str
    """In words: `8 test samples of vision/digits`."""
    note: str = ""
    """Why they are made up; empty where they are not."""


def find_samples(card: Card, registry: Registry, root: Path | None) -> Samples:
    """Read samples of the dataset that the model was trained on; nothing is downloaded.

    Args:
        card: the model's.
        registry: the installed plugins.
        root: the folder handed to datasets; None: the zoo's own.
    """
    try:
        return _read(card, registry, root)
    except ZooError as error:
        cause = str(error).splitlines()[0]
    made = make_samples(card.input, _NUM)
    return Samples(made, f"{_NUM} made-up samples", f"compared on made-up samples: {cause}")


def _read(card: Card, registry: Registry, root: Path | None) -> Samples:
    plan = plan_trained(card, registry)
    name = plan.settings["dataset"]
    spec = plan.entries["dataset"].spec
    folder = root or data_dir()
    assert isinstance(spec, DatasetSpec)
    if not all((folder / file).exists() for file in spec.files):
        raise InvalidData(f"{name} is not in {folder}; --data-dir names another folder")
    streamed = replace(plan, settings={**plan.settings, "cache": "none"})
    splits = load_splits(streamed, None, root, lambda _: None)
    split, part = (splits.train, "training") if splits.test is None else (splits.test, "test")
    split = if_cached(split)
    # Evenly spaced, the first and the last among them: of all classes, where they are in order.
    chosen = torch.linspace(0, length(split) - 1, min(_NUM, length(split))).long()
    values = [read_item(split, index)[0] for index in chosen.tolist()]
    if strange := [tuple(v.shape) for v in values if tuple(v.shape) != card.input.shape]:
        raise InvalidData(f"{name} has samples of another shape now, {strange[0]}")
    matched = match_dtype(torch.stack(values), card.input, name)
    return Samples(matched, f"{len(matched)} {part} samples of {name}")


def make_samples(spec: InputSpec, num: int) -> torch.Tensor:
    """Make up samples (N, …) of a model's input, the same ones each time.

    Bytes are of all values, floats are normally distributed. Other whole numbers are 0 and 1:
    what a model embeds must be in its table.
    """
    draw = torch.Generator().manual_seed(0)
    dtype: torch.dtype = getattr(torch, spec.dtype)
    shape = (num, *spec.shape)
    if dtype.is_floating_point:
        return torch.randn(shape, generator=draw).to(dtype)
    if dtype == torch.uint8:
        return torch.randint(0, 256, shape, generator=draw, dtype=dtype)
    return torch.randint(0, 2, shape, generator=draw).to(dtype)


def other_sizes(samples: torch.Tensor) -> list[torch.Tensor]:
    """Make images (1, C, H, W) of other sizes of images (N, C, h, w), by laying them side by side.

    So there is something to be seen at every pixel, as there is in a photograph.
    """
    made = []
    for sample, stretches in zip(
        samples.repeat(len(_STRETCHES), 1, 1, 1), _STRETCHES, strict=False
    ):
        rows, columns = (
            torch.arange(1 + round(side * stretch)) % side
            for side, stretch in zip(sample.shape[1:], stretches, strict=True)
        )
        made.append(sample[:, rows][:, :, columns].unsqueeze(0))
    return made
