"""`zoo.push` and `zoo.pull`: to and from a hub, from Python."""

from pathlib import Path

from ._registry import registry
from .hub import (
    DEFAULT,
    TIMEOUT,
    Order,
    Progress,
    Pulled,
    Pushed,
    Quiet,
    parse_place,
    place_to_push,
    pull_model,
    push_run,
    screen_progress,
)
from .runs import Run


def push(
    run: Run | str | Path,
    repo: str,
    *,
    private: bool | None = None,
    revision: str = DEFAULT,
    message: str = "",
    with_pth: bool = False,
    timeout: float = TIMEOUT,
    progress: bool = True,
) -> Pushed:
    """Push a run to a hub, as one commit.

    Args:
        run: a run, its name, its folder, or `@alias`.
        repo: `user/name`; it is made where there is none.
        private: True, False; None: a new repository is private, one that is there stays as it is.
        revision: the branch, made where there is none.
        message: of the commit, its first line the summary; empty: the run's name.
        with_pth: whether `model.pth` is sent along.
        timeout: seconds for all of it.
        progress: False shows nothing.

    Returns:
        What is there now: `.commit`, `.files`, and whether it was `.changed`.

    Raises:
        UsageError: what was asked is wrong.
        HubError: it was not pushed; the text says why.
        PushUnknown: nobody answered after the commit was sent; push again.
        ZooError: a file is not what the run stored, or there is no room for a copy.
    """
    source = str(run.path) if isinstance(run, Run) else str(run)
    place = place_to_push(repo, revision)
    order = Order(source=source, place=place, private=private, message=message, with_pth=with_pth)
    return push_run(order, registry(), _shown(progress), timeout)


def pull(repo: str, *, timeout: float = TIMEOUT, progress: bool = True) -> Pulled:
    """Bring a model here from a hub, compared with its digests to the last byte.

    Args:
        repo: `user/name`, or `user/name@revision`: a branch, a tag or a commit.
        timeout: seconds for all of it.
        progress: False shows nothing.

    Returns:
        What is here now: `.commit`, `.path`, its folder, and `.weights`, the file.

    Raises:
        NotOnHub: there is no such repository, or nothing in it that zoo can use.
        ZooError: it can't be had; the text says why. What was here before stays.
    """
    return pull_model(parse_place(repo), _shown(progress), timeout)


def _shown(progress: bool) -> Progress:
    return screen_progress() if progress else Quiet()
