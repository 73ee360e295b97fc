"""Pushing a run: one commit on the head that was seen, and the truth about what came of it."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from zoo_registry import Registry

from ..errors import Stopped
from ._client import Fault, Hub
from ._compose import compose_card, compose_fixed
from ._deadline import TIMEOUT, Deadline
from ._explain import explain
from ._kept import Kept
from ._order import Order, Pushed, notes_of, plan_push
from ._place import Place
from ._progress import Progress
from ._rounds import Rounds
from ._stage import Stage, Staged, staging

_KNOWN_BEFORE = ("no_token", "no_hub", "offline")


def push_run(
    order: Order, registry: Registry, progress: Progress, timeout: float = TIMEOUT
) -> Pushed:
    """Push a run to a hub; raise where that was not done, or can't be known.

    Raises:
        UsageError: what was asked is wrong.
        HubError: it was not pushed.
        PushUnknown: nobody answered after the commit was sent.
        CorruptWeights: a file is not what the run stored; nothing was pushed.
        Stopped: by Ctrl-C, after the commit was sent; by who raises it in a signal's handler.
        KeyboardInterrupt: by Ctrl-C before; its text says that nothing was pushed.
    """
    subject, sizes = plan_push(order, registry)
    deadline = Deadline(timeout)
    with staging() as stage, Hub(deadline, progress) as hub:
        rounds = Rounds(order, subject, stage, hub)
        try:
            hub.start()  # it gets ready while copies are made
            for name in sizes:
                stage.copy(name, subject.run.path / name, subject.run.record["files"][name])
            compose_fixed(subject, stage)
            return rounds.run()
        except Fault as fault:
            raise explain(fault, order.place, "push", timeout, "not pushed: ") from fault
        except (KeyboardInterrupt, Stopped) as stop:
            if not (hub.committing or rounds.sent):
                stop.args = (f"{str(stop) or 'interrupted'}: nothing was pushed. Push again",)
                raise
            raise Stopped(
                f"stopped after the commit was sent to {order.place}: it may be there, or not. "
                "Push again: what is there is not sent twice",
                exit_code=stop.exit_code if isinstance(stop, Stopped) else 130,
            ) from None
        finally:
            progress.close()


class Preview(NamedTuple):
    """What a push sends where nothing is yet."""

    run: str
    """Its name."""
    files: dict[str, int]
    """Sizes in bytes."""
    notes: tuple[str, ...]
    """What whoever pushes them should know, a line each."""


def preview_push(order: Order, registry: Registry) -> Preview:
    """Say what a push would send; nobody is asked.

    Raises:
        UsageError: what was asked is wrong.
    """
    subject, sizes = plan_push(order, registry)
    with TemporaryDirectory() as folder:
        stage = Stage(Path(folder))
        for name, size in sizes.items():
            sha256 = str(subject.run.record["files"][name]["sha256"])
            stage.files[name] = Staged(subject.run.path / name, sha256, size, "")
        compose_fixed(subject, stage)
        compose_card(subject, order.place, stage, Kept())
        files = {name: file.size for name, file in sorted(stage.files.items())}
        return Preview(subject.run.name, files, notes_of(subject))


def why_not_ready(hub: Hub, place: Place) -> str:
    """Return, in words, what a push would fail for as things are; empty where nothing is known.

    No hub is asked.
    """
    try:
        fault = None if hub.ask("has_token") else Fault("no_token")
    except Fault as found:
        fault = found
    if fault is None or fault.kind not in _KNOWN_BEFORE:
        return ""
    return str(explain(fault, place, "push"))
