"""Export a trained model: make the file, ask it, and only then put it in its place."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from zoo_registry import Registry

from ..data import InputSpec, Prepare, match_dtype
from ..inference import Loaded, load
from ..training import make_prepare
from ._compare import Answers, compare, expect
from ._graph import Prepared, open_shapes, trace
from ._onnx import onnx_answers, to_onnx, write_onnx
from ._order import GRAPHS, Order
from ._pt2 import pt2_answers, write_pt2
from ._publish import publish
from ._samples import find_samples, make_samples, other_sizes
from ._state import state_answers, write_state

# N = samples, B = batch


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What was written, and how it compares with the model."""

    path: Path
    sha256: str
    size: int
    """In bytes."""
    format: str
    model: str
    """Qualified name."""
    difference: float
    """The largest one between the outputs of the file and of the model; of several targets of a
    regression, that of the one which comes closest to its `tolerance`."""
    tolerance: float
    """What it might have been."""
    samples: str
    """What both were asked about, in words."""
    input_dtype: str
    """Of what the file, or the model whose weights it holds, takes."""
    input_shape: tuple[int, ...]
    """Without the batch."""
    any_size: bool
    """Whether images may have any rows and columns; the model's own are in `input_shape`."""
    dynamic_batch: bool
    """Whether it takes any number of samples at once; else it takes one."""
    opset: int | None
    """None where the format has no such thing."""
    notes: tuple[str, ...]
    """What a user should know, a line each."""


@dataclass(frozen=True)
class _Means:
    """How one format is written and read."""

    write: Callable[[Path], None]
    read: Callable[[Path], Answers]
    opset: int | None = None


def export_model(order: Order, registry: Registry, root: Path | None = None) -> Exported:
    """Export what `order` says.

    Args:
        order: see `make_order`.
        registry: the installed plugins.
        root: the folder handed to datasets, where samples to compare on are looked for.

    Raises:
        ZooError: the model can't be loaded or exported, or the file answers otherwise; nothing
            is at `order.out` then that was not there before.
    """
    loaded = load(order.source, registry)
    card = loaded.card
    prepare = make_prepare(card.input, card.task, loaded.model, torch.device("cpu"))
    samples = find_samples(card, registry, root)
    any_size = order.with_preprocessing and card.input.is_photo
    batches = list(samples.values.split(_sizes(order, len(samples.values))))
    others = other_sizes(samples.values) if any_size else []
    asked = batches + others
    prepared = [_as_predict_does(images, card.input) for images in asked] if any_size else asked
    apart = card.task == "regression"
    expected = expect(_original(loaded, prepare), prepared, card.model, apart=apart)
    given = _given(order, loaded, prepare)
    example = _example(order, given(make_samples(card.input, 2)), any_size=any_size)
    means = _means(order, loaded, prepare, example)
    saved, difference = publish(
        order.out,
        means.write,
        lambda file: compare(means.read(file), asked, expected, card.model, apart=apart),
    )
    return Exported(
        path=saved.path,
        sha256=saved.sha256,
        size=saved.size,
        format=order.format,
        model=card.model,
        difference=difference.largest,
        tolerance=difference.tolerance,
        samples=samples.origin + (f" and {len(others)} images of other sizes" if others else ""),
        input_dtype=str(example.dtype).removeprefix("torch."),
        input_shape=card.input.shape,
        any_size=any_size,
        dynamic_batch=order.dynamic_batch or order.format not in GRAPHS,
        opset=means.opset,
        notes=tuple(
            filter(None, (samples.note, _all_alike(expected), _nothing_within(order, loaded)))
        ),
    )


def _as_predict_does(images: Tensor, spec: InputSpec) -> Tensor:
    """Bring images (B, C, H, W) to the model's size with PIL, as those from files."""
    size = (spec.shape[1], spec.shape[2])
    pixels = [image.movedim(0, -1).squeeze(-1).numpy() for image in images]
    resized = [spec.resize.image(Image.fromarray(one), size) for one in pixels]
    return torch.stack([torch.tensor(np.atleast_3d(np.asarray(one))) for one in resized]).movedim(
        -1, 1
    )


def _example(order: Order, two: Tensor, *, any_size: bool) -> Tensor:
    """Return what is traced: of two samples for any number, else of one; odd sizes for any."""
    example = two if order.dynamic_batch else two[:1]
    return nn.functional.pad(example, (3, 4, 1, 4)) if any_size else example


def _original(loaded: Loaded, prepare: Prepare) -> Answers:
    def answers(samples: Tensor) -> Tensor:
        with torch.inference_mode():
            outputs: Tensor = loaded.model(prepare.samples(samples))
        return outputs

    return answers


def _given(order: Order, loaded: Loaded, prepare: Prepare) -> Answers:
    """Return what makes the file's input of samples as the dataset gives them."""
    if order.with_preprocessing:
        return lambda samples: match_dtype(samples, loaded.card.input)
    return prepare.samples


def _sizes(order: Order, num: int) -> list[int]:
    """Say how many samples are given at a time: one, where the file takes no more."""
    if order.format in GRAPHS and not order.dynamic_batch:
        return [1] * num
    first = [size for size in (1, 2) if size < num]
    return [*first, num - sum(first)] if num > sum(first) else [num]


def _means(order: Order, loaded: Loaded, prepare: Prepare, example: Tensor) -> _Means:
    given = _given(order, loaded, prepare)
    if order.format not in GRAPHS:
        return _Means(
            lambda file: write_state(file, loaded), lambda file: state_answers(file, loaded, given)
        )
    card, prepares = loaded.card, order.with_preprocessing
    shapes = open_shapes(batch=order.dynamic_batch, sizes=prepares and card.input.is_photo)
    model = Prepared(loaded.model, prepare).eval() if prepares else loaded.model
    program = trace(model, example, card.model, shapes)
    if order.format == "torch-export":
        return _Means(
            lambda file: write_pt2(file, program, card), lambda file: pt2_answers(file, given)
        )
    made, opset = to_onnx(program, card.model, order.opset, shapes)
    return _Means(lambda file: write_onnx(file, made, card, prepares=prepares), onnx_answers, opset)


def _all_alike(expected: list[Tensor]) -> str:
    rows = torch.cat(expected)
    if len(rows) == 1 or not torch.equal(rows, rows[:1].expand_as(rows)):
        return ""
    return "the model answers all of these samples alike, so that comparing them says little"


def _nothing_within(order: Order, loaded: Loaded) -> str:
    spec = loaded.card.input
    if not order.with_preprocessing or spec.dtype == "uint8":
        return ""
    return f"samples of {spec.dtype} are not scaled: there is no preprocessing but a cast, if any"
