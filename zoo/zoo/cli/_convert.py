"""`zoo convert`: weights of any program into portable ones."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo import recipe
from zoo._registry import registry
from zoo._weight_files import check_suffix, weight_file
from zoo.home import user_path
from zoo.hub import SIGN
from zoo.runs import find_weights, require_place
from zoo_registry import InvalidOption

from ._completion import component, dataset, path, setting
from ._main import say
from ._output import data_dir_option, json_option, results

if TYPE_CHECKING:
    from zoo._convert import Conversion


@click.command("convert")
@click.argument("file", metavar="FILE", shell_complete=path())
@click.option(
    "-o",
    "--out",
    required=True,
    metavar="OUT",
    shell_complete=path(),
    help=".safetensors, .pth or .pt.",
)
@click.option("--part", metavar="NAME", help="Which weights, where FILE holds several.")
@click.option("--keep-names", is_flag=True, help="Take no wrapper's name out of the names.")
@click.option(
    "--model",
    metavar="NAME",
    shell_complete=component("model"),
    help="The model that they are for.",
)
@click.option(
    "--dataset", metavar="D", shell_complete=dataset, help="The dataset that it was trained on."
)
@click.option(
    "--set",
    "sets",
    multiple=True,
    metavar="KEY=VALUE",
    shell_complete=setting("model", "dataset"),
    help="Options: model.width=64.",
)
@data_dir_option
@click.option("--force", is_flag=True, help="Replace what is there.")
@json_option
def convert(
    file: str,
    out: str,
    sets: tuple[str, ...],
    data_dir: str | None,
    *,
    as_json: bool,
    **flags: Any,
) -> None:
    """Write the weights in FILE, of any program, as portable ones.

    FILE may be hf:USER/REPO[@REV] on a hub.
    """
    found = find_weights(file) if file.startswith(SIGN) else None
    given = found.path if found else user_path(file)
    source, target = weight_file(given, any_suffix=True), user_path(out)
    check_suffix(target)
    require_place(target, force=flags["force"])
    model = _target(flags, sets, data_dir)
    if model:
        registry().find("model", model["model"])
    # Imported here, torch with it: what was mistyped has been answered by now.
    from zoo import _convert

    with results(as_json=as_json) as stdout:
        done = _convert.convert(
            source,
            target,
            registry(),
            part=flags["part"],
            keep_names=flags["keep_names"],
            target=_convert.Target(**model) if model else None,
            told=found.metadata if found else None,
        )
        if as_json:
            from zoo.reporting import print_json

            print_json(_facts(done), stdout)
        else:
            _show(done)


def _target(
    flags: dict[str, Any], sets: tuple[str, ...], data_dir: str | None
) -> dict[str, Any] | None:
    """Merge --model, --dataset and --set.

    Raises:
        InvalidOption: a key that is neither the model's nor the dataset's; options for no model.
    """
    options: dict[str, dict[str, Any]] = {"model": {}, "dataset": {}}
    for key, value in map(recipe.parse_setting, sets):
        part, _, name = key.partition(".")
        if part not in options or not name:
            raise InvalidOption(f"{key}: convert takes model.* and dataset.* only")
        options[part][name] = value
    if flags["model"] is None:
        if flags["dataset"] or sets:
            raise InvalidOption("--dataset and --set go with --model: what are the weights for?")
        return None
    dataset = {f"dataset.{name}": value for name, value in options["dataset"].items()}
    if flags["dataset"]:
        dataset["dataset"] = flags["dataset"]
    elif dataset:
        raise InvalidOption("--set dataset.* goes with --dataset")
    return {
        "model": flags["model"],
        "options": options["model"],
        "dataset": dataset,
        "root": None if data_dir is None else user_path(data_dir),
    }


def _facts(done: "Conversion") -> dict[str, Any]:
    tensors = done.foreign.tensors
    return {
        "file": str(Path(done.saved.path)),
        "sha256": done.saved.sha256,
        "bytes": done.saved.size,
        "source": str(done.foreign.path),
        "part": done.foreign.part,
        "other_parts": list(done.foreign.others),
        "removed": list(done.foreign.removed),
        "left_out": list(done.foreign.left_out),
        "tensors": len(tensors),
        "values": sum(tensor.numel() for tensor in tensors.values()),
        "model": done.card.model if done.card else None,
        "options": done.card.options if done.card else None,
        "notes": list(done.notes),
    }


def _show(done: "Conversion") -> None:
    for note in done.notes:
        say(note)
    facts = _facts(done)
    of = f" of {facts['model']}" if facts["model"] else ""
    click.echo(
        f"{facts['file']}: {facts['tensors']:,} tensors{of}, {facts['values']:,} values, "
        f"{facts['bytes']:,} bytes"
    )
