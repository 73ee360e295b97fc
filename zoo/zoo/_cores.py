"""How many processors there are for us."""

import os
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")
_MINE = Path("/proc/self/cgroup")


def usable_cores(cgroups: Path = _CGROUPS, mine: Path = _MINE) -> int:
    """Count the cores this process may use: its affinity, and what its containers grant.

    Args:
        cgroups: where Linux shows its control groups.
        mine: says which of them this process is in.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    granted = [_granted(text) for text in _quotas(cgroups, mine)]
    return max(1, min([cores, *(number for number in granted if number is not None)]))


def own_cores() -> int:
    """Count the cores of this process alone: the ranks that a launcher started here share them."""
    ranks = os.environ.get("LOCAL_WORLD_SIZE", "")
    sharing = int(ranks) if ranks.isdecimal() else 1
    return max(1, usable_cores() // max(1, sharing))


def _quotas(cgroups: Path, mine: Path) -> list[str]:
    """Return "quota period" of each group that this process is in, of both versions of cgroups."""
    path = next(
        (line[3:].lstrip("/") for line in _read(mine).splitlines() if line.startswith("0::")), ""
    )
    groups = [cgroups / path, *(cgroups / path).parents]
    inside = [group for group in groups if group.is_relative_to(cgroups)]
    first = cgroups / "cpu"
    old = f"{_read(first / 'cpu.cfs_quota_us')} {_read(first / 'cpu.cfs_period_us')}"
    return [*(_read(group / "cpu.max") for group in inside), old]


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def _granted(text: str) -> int | None:
    """Turn "200000 100000" into 2 cores; None where there is no limit."""
    try:
        quota, period = map(int, text.split())
    except ValueError:  # "max 100000", or nothing
        return None
    return max(1, quota // period) if quota > 0 and period > 0 else None
