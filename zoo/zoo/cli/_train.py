"""`zoo train`: train a model, or do a recipe again."""

from collections.abc import Callable
from typing import Any, get_args, get_type_hints

import click

from zoo import recipe, runs
from zoo._registry import registry
from zoo._tracked import choose_trackers, require_libraries
from zoo.home import user_path
from zoo_registry import InvalidOption

from ._completion import (
    WEIGHTS,
    Completer,
    component,
    dataset,
    field,
    one_of,
    setting,
)
from ._completion import run as run_name
from ._output import DEVICES, data_dir_option, json_option
from ._push_after import check_order, push_after, push_option, told_when_stopped
from ._tracking import part_sets, track_option

_FLAGS: dict[str, tuple[Any, str, str]] = {
    "dataset": (str, "D", "A dataset's name, folder:PATH or npz:PATH."),
    "optimizer": (str, "O", "An optimizer's name."),
    "scheduler": (str, "S", "A learning-rate scheduler's name."),
    "loss": (str, "L", "A loss's name."),
    "epochs": (int, "N", "Passes over the training split."),
    "batch_size": (int, "N", "Samples per optimizer step."),
    "lr": (float, "X", "Learning rate."),
    "seed": (int, "N", "Of initial weights, order, augmentation and dropout."),
    "device": (str, "D", "auto, cpu, cuda, cuda:1 or mps."),
    "parallel": (str, "P", "auto, none, dp, ddp or fsdp; the last two run on --ranks processes."),
    "ranks": (int, "N", "Processes that train together, with ddp and fsdp."),
    "precision": (str, "P", "auto, fp32, bf16 or fp16."),
    "workers": (int, "N", "Processes that read items from disk."),
    "cache": (str, "C", "auto, or none: decode image files whenever they are read."),
    "weights": (str, "RUN|FILE", "Start from these instead of fresh weights."),
}
"""Flags that are fields of the recipe; `zoo info` and --dry-run show their defaults."""

_COMPLETERS: dict[str, Completer] = {
    "dataset": dataset,
    **{part: component(part) for part in ("optimizer", "scheduler", "loss")},
    "device": one_of(*DEVICES),
    **{name: field(name) for name in ("parallel", "precision", "cache", "compile")},
    "weights": run_name(*WEIGHTS),
}


def _recipe_flags(command: Callable[..., None]) -> Callable[..., None]:
    compiled = click.option(
        "--compile",
        "compile",
        is_flag=False,
        flag_value="auto",
        metavar="[MODE]",
        shell_complete=_COMPLETERS["compile"],
        help="Run the model through torch.compile.",
    )
    command = compiled(command)
    for name, (kind, metavar, text) in reversed(_FLAGS.items()):
        flag = f"--{name.replace('_', '-')}"
        command = click.option(
            flag,
            name,
            type=kind,
            metavar=metavar,
            help=text,
            shell_complete=_COMPLETERS.get(name),
        )(command)
    return command


class _Train(click.Command):
    """A command with `--compile [MODE]`, which click alone lets take the model's name for MODE."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse; where no model is left, and what follows `--compile` is no mode, that is it."""
        words = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.MissingParameter:
            modes = get_args(get_type_hints(recipe.Recipe)["compile"])
            place = words.index("--compile") + 1 if "--compile" in words else len(words)
            if place == len(words) or words[place] in modes or words[place].startswith("-"):
                raise
            return super().parse_args(ctx, [*words[: place - 1], "--compile=auto", *words[place:]])


@click.command("train", cls=_Train)
@click.argument(
    "model",
    metavar="MODEL|RECIPE.toml",
    shell_complete=component("model", files=(".toml",)),
)
@_recipe_flags
@data_dir_option
@click.option("--name", metavar="NAME", help="Of the run; default: MODEL-DATASET-1, -2, …")
@click.option(
    "--set",
    "sets",
    multiple=True,
    metavar="KEY=VALUE",
    shell_complete=setting(),
    help="Any other setting: model.width=64.",
)
@track_option
@click.option(
    "--reset-head", is_flag=True, default=None, help="With --weights of other classes: a new head."
)
@click.option("--skip-bad-samples", is_flag=True, help="Leave out samples that can't be read.")
@click.option(
    "--dry-run", "dry", is_flag=True, help="Print the recipe, sizes and memory; train nothing."
)
@click.option(
    "--max-restarts", default=0, metavar="N", help="Starts again after a rank died, with --ranks."
)
@push_option
@json_option
def train(  # noqa: PLR0913 - as many as it has flags that are no recipe's
    model: str,
    *,
    data_dir: str | None,
    name: str | None,
    sets: tuple[str, ...],
    track: tuple[str, ...],
    skip_bad_samples: bool,
    dry: bool,
    max_restarts: int,
    push_to: str | None,
    as_json: bool,
    **flags: Any,
) -> None:
    """Train MODEL and store it as a run, or do a RECIPE.toml again."""
    sets, options = part_sets(sets)
    settings = settings_of({"model": model, **flags}, sets)
    trackers = choose_trackers(track, options, registry())
    if skip_bad_samples:
        settings["dataset.skip_bad_samples"] = True
    if name is not None:
        runs.require_free(name)
    root = None if data_dir is None else user_path(data_dir)
    plans = recipe.make_plans(settings, registry(), root)
    several = recipe.must_launch(plans[0].settings)
    require_libraries(trackers, registry())
    if not dry:
        check_order(push_to)
    # Imported here, torch with it: what was mistyped has been answered by now.
    from zoo.training import Request

    from ._training import dry_run, run, run_on_ranks

    if dry:
        dry_run(plans, root, several=several, as_json=as_json)
        return
    with told_when_stopped(push_to, name):
        if several:
            ranks = plans[0].settings["ranks"]
            done = run_on_ranks(
                settings,
                root,
                name,
                as_json=as_json,
                ranks=ranks,
                max_restarts=max_restarts,
                trackers=trackers,
            )
        else:
            request = Request(plans=plans, data_root=root, trackers=trackers)
            done = run(request, name, as_json=as_json)
    push_after(done, push_to, as_json=as_json)


def settings_of(flags: dict[str, Any], sets: tuple[str, ...]) -> dict[str, Any]:
    """Merge flags and --set into flat settings.

    Raises:
        InvalidOption: one key said twice, with different values; a part that is not named.
    """
    settings = {field: value for field, value in flags.items() if value is not None}
    for key, value in map(recipe.parse_setting, sets):
        if key in recipe.PARTS and not isinstance(value, str):
            raise InvalidOption(f"{key} takes a name, not {value!r}")
        if settings.get(key, value) != value:
            raise InvalidOption(f"{key} is set twice: {settings[key]!r} and {value!r}")
        settings[key] = value
    return settings
