"""`zoo predict`: ask a trained model."""

from typing import Any

import click

from ._output import device_option, json_option


@click.command("predict")
@click.argument("source", metavar="RUN|FILE")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT…")
@device_option
@json_option
def predict(source: str, inputs: tuple[str, ...], device: str | None, as_json: bool) -> None:
    """Answer for each INPUT: image files, or .npz files with an array x.

    --json prints one object per line.
    """
    from zoo._registry import registry
    from zoo.inference import load
    from zoo.inference import predict as answers
    from zoo.reporting import print_json

    for answer in answers(load(source, registry()), inputs, device=device or "auto"):
        if as_json:
            print_json(answer)
        else:
            click.echo(_line(answer))


def _line(answer: dict[str, Any]) -> str:
    if "top" in answer:
        shown = "  ".join(f"{found['class']} {found['probability']:.1%}" for found in answer["top"])
    elif "labels" in answer:
        found = answer["labels"].items()
        shown = "  ".join(f"{name} {value:.1%}" for name, value in found) or "no label"
    else:
        shown = "  ".join(f"{value:.6g}" for value in answer["values"])
    return f"{answer['input']}  {shown}"
