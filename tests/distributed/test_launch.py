"""Ranks are started together, share their ends, and tell why."""

import subprocess
import sys
from importlib import import_module

import pytest

from zoo.errors import DatasetUnavailable, UsageError
from zoo.parallel import RankFailed, launch

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="ranks need gloo and signals")

WORK = """
    import os
    import signal
    import time
    from pathlib import Path

    import torch

    from zoo.errors import DatasetUnavailable
    from zoo.parallel import make_strategy

    def facts(word):
        names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "OMP_NUM_THREADS")
        return word, [os.environ.get(name) for name in names]

    def refuse():
        if os.environ["RANK"] == "1":
            raise DatasetUnavailable("no such data on this rank")
        time.sleep(600)

    def divide():
        strategy = make_strategy("ddp", torch.device("cpu"))
        try:  # rank 0 waits for a message, and fails too where the other one leaves
            return strategy.sum(torch.tensor(float(strategy.rank == 0 or 1 / 0)))
        finally:
            strategy.close()

    def die():
        if os.environ["RANK"] == "1":
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(600)

    def die_once(folder):
        if os.environ["TORCHELASTIC_RESTART_COUNT"] == "0":
            Path(folder, os.environ["RANK"]).touch()
            die()
        return os.environ["TORCHELASTIC_RESTART_COUNT"]
"""


@pytest.fixture
def work(write_package):
    return import_module(write_package(WORK))


def test_every_rank_is_told_which_it_is(work, monkeypatch):
    """What they return comes back in their order; the cores are shared, if nobody shared them."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    returned = launch(work.facts, ("word",), ranks=2)
    assert returned == [("word", [str(rank), "2", str(rank), "1"]) for rank in range(2)]


def test_an_error_of_a_rank_is_raised_here_and_ends_the_others(work):
    """With its class, text, exit code and traceback; the others would have slept on."""
    with pytest.raises(DatasetUnavailable, match="^no such data on this rank$") as caught:
        launch(work.refuse, (), ranks=2, max_restarts=3)
    assert caught.value.exit_code == DatasetUnavailable("").exit_code
    assert "in refuse" in str(caught.value.__cause__)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("divide", "rank 1 failed: ZeroDivisionError: division by zero"),
        ("die", "rank 1 was ended by SIGKILL, as happens where memory runs out"),
    ],
)
def test_a_rank_that_ends_otherwise_is_named(work, name, text):
    """With the cause, as far as it is known; the exit code is that of work that failed."""
    with pytest.raises(RankFailed, match=f"^{text}$") as caught:
        launch(getattr(work, name), (), ranks=2)
    assert caught.value.exit_code == 1


def test_ranks_start_again_after_a_death(work, tmp_path):
    """All of them, as often as allowed, and it is said."""
    said = []
    returned = launch(work.die_once, (str(tmp_path),), ranks=2, max_restarts=1, note=said.append)
    assert returned == ["1", "1"]
    assert [text.partition(";")[2] for text in said] == [" starting again (0 more after that)"]
    assert "rank 1 was ended by SIGKILL" in said[0]


def test_what_cannot_be_launched_is_refused_in_words(work, monkeypatch):
    """Before a process is started, or when the first one is."""
    with pytest.raises(UsageError, match="can't be sent to the ranks .* top level of a module"):
        launch(lambda: None, (), ranks=2)
    with pytest.raises(UsageError, match="can't start 0 ranks"):
        launch(work.facts, ("word",), ranks=0)
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "4")
    with pytest.raises(UsageError, match="this process is rank 1 of 4; leave out --ranks"):
        launch(work.facts, ("word",), ranks=2)


def test_the_launcher_is_imported_only_where_ranks_start():
    """`import zoo.parallel` is on the way of every training; the launcher costs seconds."""
    heavy = (
        "('torch._dynamo', 'sympy', 'torch.distributed.elastic.agent', 'torch.distributed.fsdp')"
    )
    code = f"import sys, zoo.parallel; print([n for n in {heavy} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
