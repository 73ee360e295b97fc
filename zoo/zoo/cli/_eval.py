"""`zoo eval`: measure a trained model."""

from typing import Any

import click

from zoo import recipe
from zoo.home import user_path
from zoo.reporting import format_metrics, print_json
from zoo.runs import find_weights
from zoo_registry import InvalidOption

from ._completion import WEIGHTS, run, setting
from ._completion import dataset as dataset_name
from ._main import say
from ._output import data_dir_option, device_option, json_option, results


@click.command("eval")
@click.argument("source", metavar="RUN|FILE", shell_complete=run(*WEIGHTS))
@click.option(
    "--dataset",
    metavar="D",
    shell_complete=dataset_name,
    help="Default: the one it was trained on.",
)
@click.option(
    "--set",
    "sets",
    multiple=True,
    metavar="KEY=VALUE",
    shell_complete=setting("dataset"),
    help="Options: dataset.split_seed=1.",
)
@data_dir_option
@device_option
@json_option
def evaluate(
    source: str,
    dataset: str | None,
    sets: tuple[str, ...],
    data_dir: str | None,
    device: str | None,
    as_json: bool,
) -> None:
    """Measure RUN or FILE on the test split of a dataset.

    FILE is a .safetensors file, or hf:USER/REPO[@REV] on a hub.
    """
    asked = _settings(dataset, sets)
    root = None if data_dir is None else user_path(data_dir)
    found = find_weights(source)
    if found.note:
        say(found.note)
    # Imported here, torch with it: what was mistyped has been answered by now.
    from zoo._registry import registry
    from zoo.inference import load, measure

    with results(as_json=as_json):
        result = measure(
            load(found, registry()), registry(), asked, root=root, device=device or "auto"
        )
    if as_json:
        print_json(result, indent=2)
    else:
        click.echo(
            f"{format_metrics(result['metrics'])}  on {result['samples']:,} {result['split']} "
            f"samples of {result['dataset']}"
        )


def _settings(dataset: str | None, sets: tuple[str, ...]) -> dict[str, Any]:
    """Merge --dataset and --set.

    Raises:
        InvalidOption: a key that says nothing of the dataset, or one said twice.
    """
    asked: dict[str, Any] = {} if dataset is None else {"dataset": dataset}
    for key, value in map(recipe.parse_setting, sets):
        if key.partition(".")[0] != "dataset":
            raise InvalidOption(f"{key} belongs to training; eval takes dataset and dataset.* only")
        if key == "dataset" and not isinstance(value, str):
            raise InvalidOption(f"dataset takes a name, not {value!r}")
        if asked.get(key, value) != value:
            raise InvalidOption(f"{key} is set twice: {asked[key]!r} and {value!r}")
        asked[key] = value
    return asked
