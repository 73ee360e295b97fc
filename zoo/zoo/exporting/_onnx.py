"""ONNX files, made by torch's exporter."""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch.export import ExportedProgram

from ..card import Card
from ..errors import UsageError, ZooError
from ..inference import PREPARES, read_onnx
from ._compare import Answers
from ._graph import first_line
from ._quiet import quiet

_MOST = 2**31 - 2**20
"""Bytes of weights in one file: a protobuf ends at 2 GiB, and the graph needs some of it."""

_PLACES = "pkg.torch.onnx.stack_trace"
"""The key of a node's metadata that names folders of this machine."""


def to_onnx(
    program: ExportedProgram, name: str, opset: int | None, shapes: tuple[dict[int, Any]]
) -> tuple[Any, int]:
    """Translate a graph; return torch's ONNXProgram and its opset.

    Args:
        program: the graph.
        name: of the model, for messages.
        opset: the one asked for; None: the exporter's own choice.
        shapes: what is open in the input; see `open_shapes`.

    Raises:
        UsageError: it can't be had in that opset; it is too large for one file.
        ZooError: the exporter has no ONNX for an operation.
    """
    if _bytes(program) > _MOST:
        raise UsageError(f"{name} has more than the 2 GB of an ONNX file; try --format pth")
    try:
        with quiet():
            made: Any = torch.onnx.export(
                program,
                input_names=["input"],
                output_names=["output"],
                opset_version=opset,
                dynamo=True,
                dynamic_shapes=shapes,
                verbose=False,
            )
    except Exception as error:
        raise ZooError(
            f"{name} can't be had as ONNX ({first_line(error)}): try "
            f"{'another --opset, or ' if opset else ''}--format torch-export"
        ) from error
    got = int(made.model.opset_imports[""])
    if opset not in (None, got):  # the exporter says so on the terminal, and goes on
        raise UsageError(
            f"{name} can't be had in opset {opset}, but in others: --opset {got} is one, and "
            "without --opset the exporter chooses"
        )
    return made, got


def write_onnx(file: Path, made: Any, card: Card, *, prepares: bool) -> None:
    """Fill a file that a writer of `zoo._files` gave, with what a reader of the graph needs.

    Args:
        file: an empty file.
        made: torch's ONNXProgram.
        card: goes into the metadata: as a whole, and once more in what others may look for.
        prepares: whether the graph takes samples as the dataset gives them.
    """
    told = {
        "model": card.model,
        "task": card.task,
        "classes": json.dumps(list(card.classes)),
        "input": _input(card),
        "zoo_version": version("zoo-registry"),
        PREPARES: json.dumps(prepares),
    }
    made.model.metadata_props.update(told | card.to_metadata())
    for node in made.model.graph.all_nodes():
        node.metadata_props.pop(_PLACES, None)
    with quiet():
        made.save(file, external_data=False)


def onnx_answers(file: Path) -> Answers:
    """Load a file that zoo wrote just now with onnxruntime, as `zoo predict` does."""
    return read_onnx(file).answer


def _bytes(program: ExportedProgram) -> int:
    return sum(t.numel() * t.element_size() for t in program.state_dict.values())


def _input(card: Card) -> str:
    return msgspec.json.encode(card.input).decode()
