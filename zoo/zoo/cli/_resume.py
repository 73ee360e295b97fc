"""`zoo resume`: go on with a run that was stopped, killed or failed."""

from typing import Any

import click

from zoo._registry import registry
from zoo._resumed import resumable, resumed_root, resumed_settings
from zoo.home import user_path
from zoo.recipe import make_plans, must_launch

from ._output import data_dir_option, device_option, json_option


@click.command("resume")
@click.argument("run", metavar="RUN")
@device_option
@click.option("--ranks", type=int, metavar="N", help="Default: as many as before.")
@click.option("--workers", type=int, metavar="N", help="Processes that read items from disk.")
@data_dir_option
@click.option(
    "--max-restarts", default=0, metavar="N", help="Starts again after a rank died, with --ranks."
)
@click.option("--force", is_flag=True, help="Even where another process may be at work on it.")
@json_option
def resume(
    run: str,
    data_dir: str | None,
    max_restarts: int,
    *,
    force: bool,
    as_json: bool,
    **changes: Any,
) -> None:
    """Go on with RUN from its newest checkpoint, as if it had never been stopped."""
    found = resumable(run, force=force)
    settings = resumed_settings(found, changes, {})
    root = resumed_root(found, None if data_dir is None else user_path(data_dir))
    plans = make_plans(settings, registry(), root)
    several = must_launch(plans[0].settings)
    # Imported here, torch with it: what was mistyped has been answered by now.
    from zoo.training import Request

    from ._training import run as train
    from ._training import run_on_ranks

    if several:
        run_on_ranks(
            settings,
            root,
            None,
            as_json=as_json,
            ranks=plans[0].settings["ranks"],
            max_restarts=max_restarts,
            resumed=found.path,
            forced=force,
        )
    else:
        request = Request(plans=plans, data_root=root, resumed=found, forced=force)
        train(request, None, as_json=as_json)
