"""`zoo.export`: what the command does, as a function."""

from pathlib import Path

from ._registry import registry
from .exporting import Exported, export_model, make_order
from .home import user_path


def export(
    source: str | Path,
    format: str,  # noqa: A002 - the flag's name
    out: str | Path | None = None,
    *,
    opset: int | None = None,
    dynamic_batch: bool = False,
    with_preprocessing: bool = False,
    force: bool = False,
    data_dir: str | Path | None = None,
) -> Exported:
    """Write a trained model for another runtime, and compare what that answers with the model.

    Args:
        source: as `load_model` takes it.
        format: `onnx`, `torch-export`, `safetensors` or `pth`.
        out: the file; None: named after the run, in the current folder, or after the file and
            beside it.
        opset: of ONNX; None: the exporter's own choice.
        dynamic_batch: whether a graph takes any number of samples at once, not one.
        with_preprocessing: whether a graph takes samples as the dataset gives them, unscaled.
        force: whether a file that is there is replaced.
        data_dir: the folder handed to datasets, where samples to compare on are looked for.

    Raises:
        ZooError: with the text that the command line prints; nothing is written then.
    """
    order = make_order(
        source,
        format,
        out,
        opset=opset,
        dynamic_batch=dynamic_batch,
        with_preprocessing=with_preprocessing,
        force=force,
    )
    return export_model(order, registry(), None if data_dir is None else user_path(data_dir))
