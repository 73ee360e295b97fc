"""`zoo export`: a trained model for other runtimes."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from zoo.exporting import FORMATS, make_order
from zoo.home import user_path

from ._completion import WEIGHTS, one_of, path, run
from ._main import say
from ._output import data_dir_option, json_option, results

if TYPE_CHECKING:
    from zoo.exporting import Exported


@click.command("export")
@click.argument("source", metavar="RUN|FILE", shell_complete=run(*WEIGHTS))
@click.option(
    "--format",
    "format_",
    required=True,
    metavar="FORMAT",
    shell_complete=one_of(*FORMATS),
    help=f"{', '.join(FORMATS)}.",
)
@click.option(
    "-o",
    "--out",
    metavar="OUT",
    shell_complete=path(),
    help="Default: named after the run, here, or after FILE, beside it.",
)
@click.option("--opset", type=int, metavar="N", help="Of ONNX; default: the exporter's own choice.")
@click.option("--dynamic-batch", is_flag=True, help="Take any number of samples at once, not one.")
@click.option(
    "--with-preprocessing",
    is_flag=True,
    help="Take samples as the dataset gives them, unscaled, and images of any size.",
)
@click.option("--force", is_flag=True, help="Replace what is there.")
@data_dir_option
@json_option
def export(
    source: str, format_: str, out: str | None, data_dir: str | None, as_json: bool, **flags: Any
) -> None:
    """Write RUN or FILE for another runtime, and compare what it answers with the model.

    FILE is a .safetensors file, or hf:USER/REPO[@REV] on a hub.
    """
    order = make_order(source, format_, out, **flags)
    if order.source.note:
        say(order.source.note)
    # Imported here, torch with it: what was mistyped has been answered by now.
    from zoo._registry import registry
    from zoo.exporting import export_model

    root = None if data_dir is None else user_path(data_dir)
    with results(as_json=as_json) as stdout:
        done = export_model(order, registry(), root)
        if as_json:
            from zoo.reporting import print_json

            print_json(_facts(done), stdout)
        else:
            _show(done)


def _facts(done: "Exported") -> dict[str, Any]:
    facts = asdict(done)
    return {
        "file": str(facts.pop("path")),
        "bytes": facts.pop("size"),
        **facts,
        "notes": list(done.notes),
    }


def _show(done: "Exported") -> None:
    for note in done.notes:
        say(note)
    opset = "" if done.opset is None else f", opset {done.opset}"
    own = (*done.input_shape[:1], "height", "width") if done.any_size else done.input_shape
    shape = ", ".join(map(str, ("batch" if done.dynamic_batch else 1, *own)))
    click.echo(
        f"{done.path}: {done.model} for {done.input_dtype} ({shape}){opset}, "
        f"{done.size:,} bytes\n"
        f"largest difference {done.difference:.1e} on {done.samples}, where "
        f"{done.tolerance:.1e} is allowed"
    )
