"""`zoo predict`: ask a trained model."""

import mimetypes
from pathlib import Path
from typing import Any

import click

from zoo._onnx_files import ONNX, onnx_file
from zoo._printable import printable
from zoo.home import user_path
from zoo.reporting import print_json
from zoo.runs import find_weights
from zoo_registry import InvalidData, UsageError

from ._completion import WEIGHTS, path, run
from ._main import say
from ._output import device_option, json_option, results


@click.command("predict")
@click.argument("source", metavar="RUN|FILE", shell_complete=run(*WEIGHTS, ONNX))
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT…", shell_complete=path())
@device_option
@json_option
def predict(source: str, inputs: tuple[str, ...], device: str | None, as_json: bool) -> None:
    """Answer for each INPUT: image files, or .npz files with an array x.

    FILE is a .safetensors file, an .onnx file of zoo export, or hf:USER/REPO[@REV] on a hub.
    --json prints one object per line.
    """
    _require_model(source)
    graph = onnx_file(source)
    found = None if graph else find_weights(source)
    if found and found.note:
        say(found.note)
    files = [_file(text) for text in inputs]
    # Imported here, torch with it: what was mistyped has been answered by now.
    from zoo._registry import registry
    from zoo.inference import load, read_onnx
    from zoo.inference import predict as answers

    with results(as_json=as_json) as stdout:
        loaded = read_onnx(graph) if graph else load(found or source, registry())
        for answer in answers(loaded, files, device=device or "auto"):
            if as_json:
                print_json(answer, stdout)
            else:
                click.echo(printable(_line(answer)))


def _require_model(source: str) -> None:
    """Refuse what is an input, where the model is to be named.

    Raises:
        UsageError: it is an image or an array.
    """
    kind, _ = mimetypes.guess_type(source, strict=False)
    is_input = (kind or "").startswith("image/") or Path(source).suffix == ".npz"
    if is_input and user_path(source).is_file():
        raise UsageError(f"{source} is an input; the model comes first: zoo predict RUN INPUT…")


def _file(text: str) -> Path:
    """Return the path of an input.

    Raises:
        InvalidData: it is no file.
    """
    path = user_path(text)
    if path.is_dir():
        raise InvalidData(f"{path} is a folder; name the files in it")
    if not path.exists():
        raise InvalidData(f"there is no file {path}")
    return path


def _line(answer: dict[str, Any]) -> str:
    if "top" in answer:
        shown = "  ".join(f"{found['class']} {found['probability']:.1%}" for found in answer["top"])
    elif "labels" in answer:
        found = answer["labels"].items()
        shown = "  ".join(f"{name} {value:.1%}" for name, value in found) or "no label"
    else:
        shown = "  ".join(f"{value:.6g}" for value in answer["values"])
    return f"{answer['input']}  {shown}"
