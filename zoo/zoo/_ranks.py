"""What a launcher (torchrun, or zoo's own) told this process: which rank of how many it is.

Imports no torch: whether there is a launch to do is known before anything heavy is imported.
"""

import os

from zoo_registry import UsageError


def is_rank() -> bool:
    """Whether a launcher started this process as a rank: RANK and WORLD_SIZE are set."""
    return "RANK" in os.environ and "WORLD_SIZE" in os.environ


def rank() -> int:
    """Return which rank this process is, over all machines; 0 where nobody launched it."""
    return _number("RANK", 0)


def num_ranks() -> int:
    """Return how many ranks there are, over all machines; 1 where nobody launched any."""
    return _number("WORLD_SIZE", 1)


def local_rank() -> int:
    """Return which rank of this machine the process is: the index of its GPU."""
    return _number("LOCAL_RANK", 0)


def num_restarts() -> int:
    """Return how often the launcher has started the ranks again after one of them died."""
    return _number("TORCHELASTIC_RESTART_COUNT", 0)


def launch_id() -> str:
    """Return what the launch that this rank is of is called, restarts included; empty: none."""
    return os.environ.get("TORCHELASTIC_RUN_ID", "")


def _number(name: str, default: int) -> int:
    """Read an environment variable.

    Raises:
        UsageError: it is no whole number of 0 or more.
    """
    given = os.environ.get(name)
    if given is None:
        return default
    if not given.isdecimal():
        raise UsageError(
            f"the environment says {name}={given}, which is no number of a rank; "
            "unset it, or start with torchrun"
        )
    return int(given)
