"""Starting ranks on this machine."""

import multiprocessing
import pickle
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from zoo_registry import UsageError

from .. import _ranks


def _ignore(_text: str) -> None:
    pass


def launch(
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
    *,
    ranks: int,
    max_restarts: int = 0,
    note: Callable[[str], None] = _ignore,
) -> list[Any]:
    """Call `function(*arguments)` in `ranks` new processes, each with an environment as torchrun's.

    A rank that dies is started again with all others, up to `max_restarts` times; one that raises
    a `ZooError` is not. Ctrl-C and SIGTERM are passed on to the ranks, which have all the time
    they need to store what they have; at a second signal they are killed. Where this process is
    itself killed, its ranks end soon after.

    Args:
        function: at the top level of a module that can be imported, as what it returns must be.
        arguments: likewise; tensors are shared, not copied.
        ranks: how many processes, which share the cores.
        max_restarts: how often a death is forgiven.
        note: told when the ranks are started again.

    Returns:
        What each rank returned, rank 0 first.

    Raises:
        UsageError: this process is a rank itself, or the function can't be sent to another one.
        Stopped: the ranks were stopped by a signal.
        ZooError: what a rank raised: the same class with the same text and exit code where it is
            one of `zoo.errors`.
        RankFailed: any other end of a rank.
    """
    if _ranks.is_rank():
        raise UsageError(
            f"ranks can't be started here: this process is rank {_ranks.rank()} of "
            f"{_ranks.num_ranks()}; leave out --ranks"
        )
    if ranks < 1 or max_restarts < 0:
        raise UsageError(f"can't start {ranks} ranks, and again {max_restarts} times")
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise UsageError(
            "this script is imported by each rank that it starts; put what starts the training "
            "below `if __name__ == '__main__':`"
        )
    from ._agent import run_ranks

    with TemporaryDirectory(prefix="zoo-ranks-") as folder:
        try:
            return run_ranks(
                function, arguments, Path(folder), ranks=ranks, max_restarts=max_restarts, note=note
            )
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            if "pickle" not in str(error) and "local object" not in str(error):
                raise
            raise UsageError(
                f"what is to be trained can't be sent to the ranks ({error}); define classes and "
                "functions at the top level of a module"
            ) from error
