"""Weights alone: read back into a copy of the model that holds none of its own."""

import copy
from pathlib import Path

import torch
from torch import Tensor, nn

from .._weight_files import SAFETENSORS
from ..card import read_card
from ..inference import Loaded
from ..weights import load_weights, read_metadata, weights_writer
from ._compare import Answers


def write_state(file: Path, loaded: Loaded) -> None:
    """Fill the temporary of a writer of `zoo._files` with weights, and the card where it fits."""
    metadata = loaded.card.to_metadata() if file.suffix == SAFETENSORS else None
    weights_writer(loaded.model, file, metadata=metadata)(file)


def state_answers(file: Path, loaded: Loaded, prepare: Answers) -> Answers:
    """Load a file with zoo's reader; that of `.pth` is `torch.load(weights_only=True)`.

    Args:
        file: one that zoo wrote just now.
        loaded: the model that was stored.
        prepare: makes the model's input of samples as the dataset gives them.
    """
    model = _emptied(loaded.model)
    load_weights(model, file)
    if file.suffix == SAFETENSORS:
        read_card(read_metadata(file), file)

    def answers(samples: Tensor) -> Tensor:
        with torch.inference_mode():
            outputs: Tensor = model(prepare(samples))
        return outputs

    return answers


def _emptied(model: nn.Module) -> nn.Module:
    """Copy a model, with zeros for all that a file of weights would bring."""
    copied = copy.deepcopy(model)
    with torch.no_grad():
        for tensor in copied.state_dict().values():
            if isinstance(tensor, Tensor):
                tensor.zero_()
    return copied
