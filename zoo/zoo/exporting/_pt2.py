"""Files of torch.export."""

import io
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

from .._files import fill_bytes
from ..card import Card
from ._compare import Answers
from ._quiet import quiet

CARD_FILE = "card.json"
"""The extra file in the archive that holds the card."""


def write_pt2(file: Path, program: ExportedProgram, card: Card) -> None:
    """Fill a file that a writer of `zoo._files` gave.

    Args:
        file: an empty file, whose name ends in `.pt2`.
        program: the graph.
        card: goes into the archive.
    """
    (text,) = card.to_metadata().values()
    # Given a path, torch's C++ ends the whole process where the disk is full.
    memory = io.BytesIO()
    with quiet():
        torch.export.save(program, memory, extra_files={CARD_FILE: text})
    fill_bytes(file, memory.getvalue())


def pt2_answers(file: Path, prepare: Answers) -> Answers:
    """Load a file with `torch.export.load`.

    Args:
        file: one that zoo wrote just now.
        prepare: makes the graph's input of samples as the dataset gives them.
    """
    with quiet():
        graph: nn.Module = torch.export.load(file).module()

    def answers(samples: Tensor) -> Tensor:
        with torch.inference_mode():
            outputs: Tensor = graph(prepare(samples))
        return outputs

    return answers
