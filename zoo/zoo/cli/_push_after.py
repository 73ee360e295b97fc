"""`zoo train --push`: a step of its own, once the run is stored."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from zoo._ranks import rank
from zoo.errors import InvalidOption, Stopped
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

    if "@" in push_to:
        raise InvalidOption(
            f"{push_to[:200]!r}: --push takes no branch; train, then zoo push RUN USER/REPO "
            "--revision BRANCH"
        )
    place = place_to_push(push_to)
    with Hub(Deadline(_ASK_SECONDS), Quiet()) as hub:
        if reason := why_not_ready(hub, place):
            say(f"the push after the training will fail: {reason}")


@contextmanager
def told_when_stopped(push_to: str | None, name: str | None) -> Iterator[None]:
    """Say of a training that is stopped that it was not pushed, and how it is afterwards.

    Args:
        push_to: where it was to be pushed; None: nowhere.
        name: that the run was given; None: it was given none.
    """
    try:
        yield
    except Stopped:
        if push_to is not None and not rank():
            say(f"not pushed; once the run has ended: zoo push {name or 'RUN'} {push_to}")
        raise


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
