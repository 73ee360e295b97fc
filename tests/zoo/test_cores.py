"""A container's share of the processors counts, not the machine's number of them."""

import os

import pytest

from zoo import _cores
from zoo._cores import own_cores, usable_cores


@pytest.fixture
def here():
    """The cores this process may use, were there no containers."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def groups(tmp_path, **files):
    """A tree of control groups with these files."""
    for name, text in files.items():
        path = tmp_path / name.replace("__", "/").replace("_max", ".max")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_without_a_limit_all_cores_count(tmp_path, here):
    """Where there are no groups, and where they say `max`."""
    assert usable_cores(tmp_path, tmp_path / "none") == here
    assert usable_cores(groups(tmp_path, cpu_max="max 100000"), tmp_path / "none") == here


@pytest.mark.parametrize(("quota", "cores"), [(100_000, 1), (150_000, 1), (30_000, 1)])
def test_a_quota_is_rounded_down_to_whole_cores(tmp_path, quota, cores):
    """But to one at least."""
    assert usable_cores(groups(tmp_path, cpu_max=f"{quota} 100000"), tmp_path / "none") == cores


def test_the_groups_above_count_too(tmp_path):
    """A container in a container has no more than the outer one."""
    root = groups(tmp_path, a__cpu_max="100000 100000", a__b__cpu_max="max 100000")
    mine = tmp_path / "mine"
    mine.write_text("0::/a/b\n")
    assert usable_cores(root, mine) == 1


def test_the_first_version_of_groups_counts(tmp_path):
    """Older systems keep quota and period in files of their own."""
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("100000\n")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert usable_cores(tmp_path, tmp_path / "none") == 1


def test_a_quota_above_the_machine_gives_no_more(tmp_path, here):
    """What is granted is not always there."""
    root = groups(tmp_path, cpu_max="99999900000 100000")
    assert usable_cores(root, tmp_path / "none") == here


@pytest.mark.parametrize(
    ("ranks", "cores"), [(None, 8), ("1", 8), ("3", 2), ("8", 1), ("9", 1), ("0", 8), ("many", 8)]
)
def test_the_ranks_of_a_machine_share_its_cores(monkeypatch, ranks, cores):
    """Else each would start as many workers as if it were alone."""
    monkeypatch.setattr(_cores, "usable_cores", lambda: 8)
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    if ranks is not None:
        monkeypatch.setenv("LOCAL_WORLD_SIZE", ranks)
    assert own_cores() == cores
