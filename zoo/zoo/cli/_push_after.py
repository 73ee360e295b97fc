"""`zoo train --push`: a step of its own, once the run is stored."""

import click

from zoo._ranks import rank
from zoo.runs import Run

from ._main import say

push_option = click.option(
    "--push",
    "push_to",
    metavar="USER/REPO",
    help="Push the run to a hub once it is stored; a push that fails changes nothing of it.",
)

_ASK_SECONDS = 10.0


def check_order(push_to: str | None) -> None:
    """Refuse what is no repository; say what a push would fail for, and let it be trained.

    Raises:
        InvalidOption: no repository can be called that.
    """
    if push_to is None or rank():
        return
    # Imported here, and below: few trainings are pushed.
    from zoo.hub import Deadline, Hub, Quiet, place_to_push, why_not_ready

    place_to_push(push_to)
    with Hub(Deadline(_ASK_SECONDS), Quiet()) as hub:
        if reason := why_not_ready(hub):
            say(f"the push after the training will fail: {reason}")


def push_after(done: Run, push_to: str | None, *, as_json: bool) -> None:
    """Push a run that has ended.

    Raises:
        ZooError: as `zoo push`; the run is stored all the same.
    """
    if push_to is None or rank():
        return
    from zoo.hub import Order, place_to_push

    from ._push import push_now, show_pushed

    order = Order(source=str(done.path), place=place_to_push(push_to))
    try:
        pushed = push_now(order)
    except BaseException:  # Ctrl-C, too
        say(f"{done.name} is trained and stored; to push it: zoo push {done.name} {push_to}")
        raise
    show_pushed(pushed, as_json=as_json)
