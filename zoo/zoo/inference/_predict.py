"""Ask a trained model about image files or arrays."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from zoo_registry import InvalidData, InvalidOption

from ..card import Card
from ..data import array_names, as_tensor, channels_first, match_dtype, read_arrays, read_image
from ..home import user_path
from ..parallel import choose_device
from ..training import make_prepare
from ._load import Loaded
from ._onnx import OnnxModel

# B = batch, K = classes, labels or targets

_SHOWN = 3
"""Classes named per answer, the likeliest first."""


def predict(
    loaded: Loaded | OnnxModel,
    inputs: Sequence[str | Path],
    *,
    device: str = "auto",
    batch_size: int = 256,
) -> Iterator[dict[str, Any]]:
    """Answer for each input, in order.

    Args:
        loaded: the model, or an ONNX file of one.
        inputs: image files for an image model; `.npz` files with an array `x` (N, …) for any.
        device: where to compute; an ONNX file is computed on the CPU.
        batch_size: samples per forward pass, at most.

    Yields:
        For classification `input`, `class`, `probability` and `top`, the likeliest classes with
        their probabilities; for multilabel `input` and `labels` with theirs; for regression
        `input` and `values`. Samples of an npz are named `file.npz[3]`.

    Raises:
        InvalidData: a missing file, samples of another shape than the model's, or of a dtype
            that is scaled otherwise; an image file for a model trained on arrays of floats.
        BadSample: an image that can't be read.
        InvalidOption: an ONNX file, and another device than the CPU.
    """
    answers = _of_graph(loaded, device) if isinstance(loaded, OnnxModel) else _of(loaded, device)
    if isinstance(loaded, OnnxModel) and loaded.batch_size is not None:
        batch_size = loaded.batch_size
    as_it_is = isinstance(loaded, OnnxModel) and loaded.any_size
    for name in inputs:
        names, samples = _read(user_path(name), loaded.card, as_it_is=as_it_is)
        for start in range(0, len(samples), batch_size):
            outputs = answers(samples[start : start + batch_size]).float().cpu()
            for label, output in zip(names[start : start + batch_size], outputs, strict=True):
                yield {"input": label, **_answer(output, loaded.card)}


def _of(loaded: Loaded, device: str) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return what takes samples (B, …) as the dataset gives them to the model's outputs (B, K)."""
    target = choose_device(device)
    model = loaded.model.to(target)
    prepare = make_prepare(loaded.card.input, loaded.card.task, model, target)

    def answers(samples: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            outputs: torch.Tensor = model(prepare.samples(samples))
        return outputs

    return answers


def _of_graph(loaded: OnnxModel, device: str) -> Callable[[torch.Tensor], torch.Tensor]:
    if device not in ("auto", "cpu"):
        raise InvalidOption(f"device {device}: {loaded.path} is computed on the CPU")
    return loaded.answer


def _read(path: Path, card: Card, *, as_it_is: bool) -> tuple[list[str], torch.Tensor]:
    """Read names and samples (B, …) from a file; images as they are, where a graph resizes them."""
    if not path.is_file():
        raise InvalidData(f"there is no file {path}")
    if path.suffix == ".npz":
        if as_it_is and card.input.resize.share < 1:
            raise InvalidData(
                f"{path}: the graph cuts the centre out of every image, so that samples that are "
                "prepared already are not for it; give image files, or the run itself"
            )
        samples = _shaped(as_tensor(_array(path), f"{path}: samples"), card, path)
        samples = match_dtype(samples, card.input, f"{path}: samples")
        return [f"{path}[{index}]" for index in range(len(samples))], samples
    if not card.input.is_image or card.input.shape[0] not in (1, 3):
        raise InvalidData(
            f"{path}: the model takes samples of shape {card.input.shape}, no image files; give "
            "an .npz with an array x"
        )
    if card.input.dtype != "uint8":
        raise InvalidData(
            f"{path}: the model was trained on images of {card.input.dtype}, scaled in a way that "
            "an image file does not tell; give an .npz with an array x, made as its training data"
        )
    channels, height, width = card.input.shape
    size = None if as_it_is else (height, width)
    image = read_image(path, channels, size, card.input.resize)
    return [str(path)], image.unsqueeze(0)


def _array(path: Path) -> np.ndarray[Any, Any]:
    """Read the array to predict on: `x`, else `x_test`, else the only one."""
    names = array_names(path)
    named = [name for name in ("x", "x_test") if name in names]
    if not named and len(names) != 1:
        raise InvalidData(
            f"{path} has the arrays {', '.join(names) or 'none'}; it needs one named x"
        )
    chosen = (named or names)[0]
    return channels_first(read_arrays(path, [chosen])[chosen])


def _shaped(samples: torch.Tensor, card: Card, path: Path) -> torch.Tensor:
    shape = tuple(card.input.shape)
    if tuple(samples.shape) == shape:
        samples = samples.unsqueeze(0)
    if tuple(samples.shape[1:]) != shape:
        raise InvalidData(
            f"{path} holds samples of shape {tuple(samples.shape[1:])}; the model takes {shape}"
        )
    return samples


def _answer(output: torch.Tensor, card: Card) -> dict[str, Any]:
    """Turn one sample's outputs (K,) into an answer."""
    if card.task == "classification":
        probabilities = output.softmax(-1)
        best = probabilities.topk(min(_SHOWN, len(output)))
        top = [
            {"class": card.class_name(index), "probability": value}
            for value, index in zip(best.values.tolist(), best.indices.tolist(), strict=True)
        ]
        return {**top[0], "top": top}
    if card.task == "multilabel":
        found = {card.class_name(k): p for k, p in enumerate(output.sigmoid().tolist()) if p >= 0.5}
        return {"labels": found}
    return {"values": output.flatten().tolist()}
