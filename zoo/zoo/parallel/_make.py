"""From the name of a way of running to its strategy."""

from collections.abc import Callable

import torch

from zoo_registry import UsageError

from .. import _ranks
from ._data_parallel import DataParallel
from ._strategy import SingleDevice, Strategy

STRATEGIES = ("none", "dp", "ddp", "fsdp")
"""The ways of running; `auto` is one of them, see `resolve_parallel`."""


def resolve_parallel(asked: str, device: torch.device, note: Callable[[str], None]) -> str:
    """Return the way of running that `asked` means here; only `auto` may become another.

    `auto` is ddp for what a launcher started, dp for several GPUs in one process, else none.

    Args:
        asked: one of STRATEGIES or `auto`.
        device: as `choose_device` returned it.
        note: told where there is a faster way than the one chosen.

    Raises:
        UsageError: each of several ranks would train on its own.
    """
    if asked in ("none", "dp") and _ranks.num_ranks() > 1:
        raise UsageError(
            f"--parallel {asked} runs in one process, and a launcher has started "
            f"{_ranks.num_ranks()} of them; give --parallel ddp or fsdp, or leave it out"
        )
    if asked != "auto":
        return asked
    if _ranks.is_rank():
        return "ddp"
    gpus = torch.cuda.device_count() if device.type == "cuda" and device.index is None else 1
    if gpus == 1:
        return "none"
    note(
        f"training on {gpus} GPUs in one process; `--parallel ddp --ranks {gpus}`, a process for "
        "each, is faster"
    )
    return "dp"


def make_strategy(parallel: str, device: torch.device) -> Strategy:
    """Return the strategy named `parallel` on `device`; of ddp and fsdp, collective.

    Raises:
        UsageError: no such strategy; one for several ranks where none were launched.
    """
    if parallel == "none":
        return SingleDevice(device)
    if parallel == "dp":
        return DataParallel(device)
    if parallel not in STRATEGIES:
        raise UsageError(
            f"no way of running named {parallel!r}; there are: auto, {', '.join(STRATEGIES)}"
        )
    if not _ranks.is_rank():
        raise UsageError(
            f"--parallel {parallel} runs on several ranks, and this process is none; give "
            "--ranks N to start N of them here, or start with torchrun"
        )
    if parallel == "ddp":
        from ._distributed import Distributed

        return Distributed(device)
    from ._sharded import Sharded  # and with it torch.distributed.fsdp, which takes a second

    return Sharded(device)
