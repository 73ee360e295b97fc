"""`zoo eval`: measure a trained model."""

from pathlib import Path

import click

from ._output import data_dir_option, device_option, json_option, print_json


@click.command("eval")
@click.argument("source", metavar="RUN|FILE")
@click.option("--dataset", metavar="D", help="Default: the one it was trained on.")
@click.option(
    "--set", "sets", multiple=True, metavar="KEY=VALUE", help="Options: dataset.split_seed=1."
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
    """Measure RUN or FILE on the test split of a dataset."""
    from zoo.recipe import parse_setting

    asked = dict(map(parse_setting, sets))
    if dataset is not None:
        asked["dataset"] = dataset
    from zoo._registry import registry
    from zoo.inference import load, measure, weights_file
    from zoo.reporting import format_metrics

    weights_file(source)
    result = measure(
        load(source, registry()),
        registry(),
        asked,
        root=None if data_dir is None else Path(data_dir).expanduser(),
        device=device or "auto",
    )
    if as_json:
        print_json(result)
    else:
        click.echo(
            f"{format_metrics(result['metrics'])}  on {result['samples']:,} {result['split']} "
            f"samples of {result['dataset']}"
        )
