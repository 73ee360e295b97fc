"""SIGKILL at calls that change something on the disk: resumed, a run ends as if there was none.

`ZOO_TEST_KILLS=all python -m pytest tests/zoo/test_kills.py` kills at every one of the calls.
"""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

posix = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")

FEW = 24
"""Kills where not all are asked for, spread over the training."""

FORKS = """
    import json, os, signal, sys

    from killed_runs import begin, go_on, stored
    from zoo.home import runs_dir
    from zoo.runs import find_run

    CALLS = ("open", "fsync", "rename", "replace", "mkdir", "unlink", "rmdir", "ftruncate")
    HOW = {"ema": 0.9, "monitor": "loss", "lr": 0.02, "keep_checkpoints": 2}

    def dies_at(number):
        '''End this process at the n-th of these calls; count them where it is never reached.'''
        count = [0]

        def mortal(name):
            genuine = getattr(os, name)

            def call(*args, **kwargs):
                if name != "open" or args[1] & os.O_CREAT:
                    count[0] += 1
                    if count[0] == number:
                        os.kill(os.getpid(), signal.SIGKILL)
                return genuine(*args, **kwargs)

            return call

        for name in CALLS:
            setattr(os, name, mortal(name))
        return count

    def forked(work):
        '''What a child makes of `work`, which leaves this process as it was: None where it died.'''
        read, write = os.pipe()
        if not (child := os.fork()):
            code = 1
            try:
                os.close(read)
                with open(write, "w") as told:
                    json.dump(work(), told)
                code = 0
            finally:
                os._exit(code)
        os.close(write)
        with open(read) as told:
            text = told.read()
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            assert os.WTERMSIG(status) == signal.SIGKILL
            return None
        assert os.WEXITSTATUS(status) == 0, "the child failed"
        return json.loads(text)

    def begun(number, name):
        count = dies_at(number)
        begin(name=name, **HOW)
        return count[0]

    def gone_on(number, name):
        dies_at(number)
        run = find_run(name)
        return stored(run if run.state == "done" else go_on(name=name))

    expected = forked(lambda: stored(begin(name="whole", **HOW)))
    calls = forked(lambda: begun(0, "counted"))
    step = max(1, calls // int(sys.argv[1])) if int(sys.argv[1]) else 1
    kills, differing, unborn = 0, [], 0
    for number in range(1 + step // 2, calls + 1, step):
        name = f"run-{number}"
        kills += forked(lambda: begun(number, name)) is None
        if not (runs_dir() / name).exists():
            unborn += 1
            continue
        # And once more, while it goes on.
        found = forked(lambda: gone_on(1 + number % 17, name))
        if found is None:
            kills += 1
            found = forked(lambda: gone_on(0, name))
        if found != expected:
            differing.append(number)
    print(json.dumps([calls, kills, unborn, differing]))
"""


@posix
def test_a_kill_at_any_call_to_the_disk_leaves_no_trace(tmp_path):
    """In training, in the thread that writes, at the end; and again while it goes on."""
    many = "0" if os.environ.get("ZOO_TEST_KILLS") == "all" else str(FEW)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FORKS), many],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent), "OMP_NUM_THREADS": "1"},
        timeout=1800,
    )
    assert done.returncode == 0, done.stderr
    calls, kills, unborn, differing = json.loads(done.stdout)
    assert differing == []
    assert calls > 100
    assert kills > 1.5 * min(calls, FEW) - unborn
