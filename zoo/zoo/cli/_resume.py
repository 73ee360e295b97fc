"""`zoo resume`: go on with a run that was stopped, killed or failed."""

from typing import Any

import click

from zoo import recipe
from zoo._registry import registry
from zoo._resumed import resumable, resumed_root, resumed_settings, resumed_trackers
from zoo._tracked import require_libraries
from zoo.home import user_path

from ._completion import run as run_name
from ._output import data_dir_option, device_option, json_option
from ._tracking import track_option


@click.command("resume")
@click.argument("run", metavar="RUN", shell_complete=run_name())
@device_option
@click.option("--ranks", type=int, metavar="N", help="Default: as many as before.")
@click.option("--workers", type=int, metavar="N", help="Processes that read items from disk.")
@data_dir_option
@click.option(
    "--max-restarts", default=0, metavar="N", help="Starts again after a rank died, with --ranks."
)
@track_option
@click.option("--no-track", is_flag=True, help="Go on without the trackers from before.")
@click.option(
    "--set", "sets", multiple=True, metavar="KEY=VALUE", help="Of a tracker: track.NAME.OPTION."
)
@click.option("--force", is_flag=True, help="Even where another process may be at work on it.")
@json_option
def resume(
    run: str,
    data_dir: str | None,
    max_restarts: int,
    track: tuple[str, ...],
    sets: tuple[str, ...],
    *,
    no_track: bool,
    force: bool,
    as_json: bool,
    **changes: Any,
) -> None:
    """Go on with RUN from its newest checkpoint, as if it had never been stopped."""
    found = resumable(run, force=force)
    settings = resumed_settings(found, changes, {})
    root = resumed_root(found, None if data_dir is None else user_path(data_dir))
    options = dict(recipe.parse_setting(text, check=str) for text in sets)
    trackers = resumed_trackers(found, track, options, registry(), keep=not no_track)
    plans = recipe.make_plans(settings, registry(), root)
    several = recipe.must_launch(plans[0].settings)
    require_libraries(trackers, registry())
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
            trackers=trackers,
        )
    else:
        request = Request(
            plans=plans, data_root=root, resumed=found, forced=force, trackers=trackers
        )
        train(request, None, as_json=as_json)
