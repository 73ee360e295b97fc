"""Real file systems that are full or can't be written: nothing is lost, and a run goes on later."""

import json
import os
import subprocess
import sys
from contextlib import suppress

import pytest
from killed_runs import stored

import zoo
from zoo.checkpoints import checkpoints, read_checkpoint
from zoo.runs import find_run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX limits and mounts")

MIB = 2**20
MODEL = {"model.hidden": [32]}
"""On digits a checkpoint of it takes about 0.3 MiB, its weights 0.2 MiB in both formats."""
ASKED = ("--set", "model.hidden=[32]", "--set", "checkpoint_steps=5", "--epochs", "3")


def train_elsewhere():
    """What comes out where there is space."""
    how = {"epochs": 3, "checkpoint_steps": 5, "device": "cpu", "progress": False}
    return stored(zoo.train("mlp", "digits", name="small", set=MODEL, **how))


def command(*arguments, home=None, limit=None, code=0):
    """Run the command line, perhaps with a limit in bytes on the size of files."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    if home is not None:
        environment["ZOO_HOME"] = str(home)
    words = [sys.executable, "-m", "zoo", *arguments]
    if limit is not None:
        words = ["bash", "-c", f'ulimit -f {limit // 1024} && exec "$0" "$@"', *words]
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, env=environment, timeout=300
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def temporaries(folder):
    return [str(path) for path in folder.rglob("*.partial")]


@pytest.fixture
def disk(tmp_path):
    """A file system of 8 MiB, where this user may mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    options = ["-t", "tmpfs", "-o", "size=8m"]
    try:
        done = subprocess.run(["mount", *options, "tmpfs", place], capture_output=True, check=False)
    except OSError:
        pytest.skip("there is no mount")
    if done.returncode:
        pytest.skip("this user may mount nothing")
    yield place
    subprocess.run(["umount", place], check=True)


def fill(place, left):
    """Leave so many bytes on a disk."""
    facts = os.statvfs(place)
    with (place / "ballast").open("wb") as file, suppress(OSError):
        file.write(bytes(max(0, facts.f_bavail * facts.f_frsize - left)))


@pytest.mark.parametrize("left", [0.1, 0.7], ids=lambda left: f"{left} MiB")
def test_a_training_on_a_full_disk_goes_on_when_there_is_space(disk, left, monkeypatch):
    """Exit code 1 with place and cause; what was stored is sound; at last the same bytes."""
    expected = train_elsewhere()
    home = disk / "home"
    home.mkdir()
    fill(disk, int(left * MIB))
    flags = ["--dataset", "digits", "--device", "cpu", "--name", "small", *ASKED]
    done = command("train", "mlp", *flags, home=home, code=1)
    assert f"can't write {home}" in done.stderr
    assert "No space left on device. Free some space there" in done.stderr
    assert temporaries(home) == []
    (disk / "ballast").unlink()
    monkeypatch.setenv("ZOO_HOME", str(home))
    rows = json.loads(command("runs", "--json").stdout)
    if not rows:  # nothing had been stored: its name is free
        command("train", "mlp", *flags)
    else:
        for path in checkpoints(find_run("small").path):
            read_checkpoint(path)
        assert rows[0]["state"] in ("failed", "killed")
        command("resume", "small")
    assert stored(find_run("small")) == expected


def test_a_limit_on_files_ends_a_training_which_goes_on_without_it(monkeypatch, tmp_path):
    """As above, where nobody may mount a disk: the checkpoint is too large, the weights are not."""
    expected = train_elsewhere()
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "other"))
    flags = ["--dataset", "digits", "--device", "cpu", "--name", "small", *ASKED]
    done = command("train", "mlp", *flags, limit=150 * 1024, code=1)
    assert "File too large. Raise the limit on the size of files" in done.stderr
    assert temporaries(tmp_path) == []
    run = command("runs", "--json")
    command("resume", "small") if json.loads(run.stdout) else command("train", "mlp", *flags)
    assert stored(find_run("small")) == expected


def test_on_a_read_only_disk_runs_are_read_and_nothing_else(disk):
    """The list, a run and its predictions; what would write says what stands in the way."""
    home = disk / "home"
    flags = ["--dataset", "digits", "--epochs", "1", "--device", "cpu"]
    command("train", "mlp", *flags, home=home)
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    try:
        (row,) = json.loads(command("runs", "--json", home=home).stdout)
        assert row["state"] == "done"
        command("runs", "show", row["name"], home=home)
        command("eval", row["name"], home=home)
        for words in (
            ["train", "mlp", *flags],
            ["runs", "tag", row["name"], "production"],
            ["runs", "rm", row["name"]],
        ):
            told = command(*words, home=home, code=1).stderr
            assert "Read-only file system" in told
            assert str(home) in told
            assert "ZOO_HOME" in told
    finally:
        subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
