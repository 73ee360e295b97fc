"""From a model to the graph of what it computes."""

from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.export import Dim, ExportedProgram

from ..data import Prepare
from ..errors import ZooError
from ._quiet import quiet

# B = batch

SIZES = ("height", "width")
"""What the dimensions of images of any size are called, as `batch` is."""


class Prepared(nn.Module):
    """A model that takes samples as the dataset gives them, and prepares them as in training.

    Images may have any size, where those that it was trained on can be read from files.
    """

    def __init__(self, model: nn.Module, prepare: Prepare) -> None:
        super().__init__()
        self.model = model
        self._prepare = prepare

    def forward(self, samples: Tensor) -> Any:
        """Answer for samples (B, …) of the dataset's dtype."""
        spec = self._prepare.spec
        if spec.is_photo:
            samples = spec.resize.samples(samples, (spec.shape[1], spec.shape[2]))
        return self.model(self._prepare.convert(samples))


def open_shapes(*, batch: bool, sizes: bool) -> tuple[dict[int, Any]]:
    """Say which dimensions of the input are open.

    Args:
        batch: whether the number of samples is; else it is one.
        sizes: whether rows and columns are.
    """
    dims = {0: Dim("batch")} if batch else {}
    if sizes:
        dims |= {2 + index: Dim(name, min=1) for index, name in enumerate(SIZES)}
    return (dims,)


def trace(
    model: nn.Module, samples: Tensor, name: str, shapes: tuple[dict[int, Any]]
) -> ExportedProgram:
    """Trace what `model` computes.

    Args:
        model: in eval mode, on the CPU.
        samples: (B, …), two or more where the batch is open, else one.
        name: of the model, for messages.
        shapes: what is open; see `open_shapes`.

    Raises:
        ZooError: the exporter can't follow what the model does.
    """
    try:
        with quiet(), torch.no_grad():
            program = torch.export.export(model, (samples,), dynamic_shapes=shapes)
    except Exception as error:
        raise untraceable(name, error, dynamic=0 in shapes[0]) from error
    _forget_places(program)
    return program


def _forget_places(program: ExportedProgram) -> None:
    """Take out the lines of source behind each node: they name folders of this machine."""
    for module in program.graph_module.modules():
        for node in module.graph.nodes if isinstance(module, fx.GraphModule) else ():
            node.meta.pop("stack_trace", None)


def untraceable(name: str, error: Exception, *, dynamic: bool) -> ZooError:
    """Return the error that says why an exporter gave up, in one line, and what to try next."""
    remedy = (
        "leave out --dynamic-batch" if dynamic else "--format safetensors stores the weights alone"
    )
    return ZooError(f"{name} can't be traced ({first_line(error)}): {remedy}")


def first_line(error: Exception) -> str:
    """Return an exporter's words in short: the first line that says something."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else ""
    return f"{type(error).__name__}: {text if len(text) <= 160 else text[:157] + '...'}"
