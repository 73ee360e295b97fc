"""ONNX files that zoo wrote, computed by onnxruntime."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .._onnx_files import READERS, require_packages
from .._weight_files import CARD
from ..card import Card, read_card
from ..data import Prepare, match_dtype, usable_cores
from ..errors import CorruptWeights, IncompatibleWeights

# B = batch, K = classes, labels or targets

PREPARES = "zoo_prepares"
"""The key of an ONNX file's metadata that says whether preprocessing is within, in JSON."""

_FATAL_ONLY = 4
"""What onnxruntime logs on the terminal; its errors are raised as well."""


class OnnxModel:
    """A graph that answers for samples, and what is known of it."""

    def __init__(self, session: Any, card: Card, path: Path, *, prepares: bool) -> None:
        self.card = card
        self.path = path
        self.prepares = prepares
        """Whether preprocessing is within the graph."""
        self._session = session
        self._input = session.get_inputs()[0]
        self.any_size = prepares and isinstance(self._input.shape[-1], str) and card.input.is_photo
        """Whether it takes images of any rows and columns, which it resizes."""
        self._prepare = Prepare(card.input, torch.device("cpu"), self._dtype(), torch.int64)

    @property
    def batch_size(self) -> int | None:
        """Samples per call; None: any number."""
        size = self._input.shape[0]
        return size if isinstance(size, int) else None

    def answer(self, samples: Tensor) -> Tensor:
        """Answer for samples (B, …) as the dataset gives them: outputs (B, K).

        Raises:
            InvalidData: their dtype can't become that of the training's samples without loss.
            IncompatibleWeights: the graph does not do what its metadata say.
        """
        prepared = (
            match_dtype(samples, self.card.input)
            if self.prepares
            else self._prepare.samples(samples)
        )
        try:
            found = self._session.run(None, {self._input.name: prepared.contiguous().numpy()})
            outputs = torch.from_numpy(found[0])
        except Exception as error:
            cause = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise IncompatibleWeights(f"{self.path} can't be computed ({cause})") from error
        if len(outputs.shape) < 2 or len(outputs) != len(samples):
            raise IncompatibleWeights(
                f"{self.path} answers for {len(samples)} samples with outputs of shape "
                f"{tuple(outputs.shape)}; those of a model have one row for each"
            )
        return outputs

    def _dtype(self) -> torch.dtype | None:
        """Return the dtype samples are cast to; None where the graph takes whole numbers."""
        return {"tensor(float)": torch.float32, "tensor(double)": torch.float64}.get(
            self._input.type
        )


def read_onnx(path: Path) -> OnnxModel:
    """Load an ONNX file that `zoo export` wrote.

    Raises:
        UsageError: onnxruntime is not installed.
        CorruptWeights: onnxruntime can't read the file.
        IncompatibleWeights: another program wrote it, or its graph is not for the samples that it
            says it is for.
    """
    require_packages(READERS, f"reading {path.name}")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = _FATAL_ONLY
    options.intra_op_num_threads = min(torch.get_num_threads(), usable_cores())
    try:
        session = onnxruntime.InferenceSession(
            path, sess_options=options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        cause = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CorruptWeights(
            f"{path} can't be loaded by onnxruntime {onnxruntime.__version__} ({cause}). Copy it "
            "again, or export it again, with a lower --opset if this one is too new"
        ) from error
    metadata = session.get_modelmeta().custom_metadata_map
    card, prepares = _told(metadata, path)
    _require_fit(session, card, path)
    return OnnxModel(session, card, path, prepares=prepares)


def _told(metadata: Mapping[str, str], path: Path) -> tuple[Card, bool]:
    """Return the card, and whether preprocessing is within."""
    if CARD not in metadata or metadata.get(PREPARES) not in ("true", "false"):
        raise IncompatibleWeights(
            f"{path} was not written by `zoo export`: it does not say how samples are prepared "
            "and what its outputs mean. Use onnxruntime itself"
        )
    return read_card(metadata, path), metadata[PREPARES] == "true"


def _require_fit(session: Any, card: Card, path: Path) -> None:
    inputs = session.get_inputs()
    shape = inputs[0].shape if inputs else []
    if card.input.is_photo and all(isinstance(side, str) for side in shape[2:]):  # of any size
        shape = [*shape[:2], *card.input.shape[1:]]
    if len(inputs) != 1 or tuple(shape[1:]) != card.input.shape or shape[0] in (0, None):
        raise IncompatibleWeights(
            f"{path} takes {[found.shape for found in inputs]}, and its card tells of samples of "
            f"shape {card.input.shape}: it is not this file's card. Export it again"
        )
