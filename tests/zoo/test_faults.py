"""Whatever the disk refuses, at whichever call: what was there stays, and the error says where."""

import errno
import os
import resource
import shutil
import subprocess
import sys
import textwrap
from collections import OrderedDict
from contextlib import contextmanager, suppress

import pytest
import torch
from killed_runs import begin, go_on, stored

import zoo
from zoo.checkpoints import checkpoints, read_checkpoint, write_checkpoint
from zoo.errors import StorageError, ZooError
from zoo.runs import find_run
from zoo.weights import read_state_dict, save_weights

CALLS = ("fsync", "rename", "replace", "mkdir", "open")
REASONS = {
    errno.ENOSPC: "No space left",
    errno.EACCES: "Permission denied",
    errno.EROFS: "Read-only",
}


@contextmanager
def failing_at(number, code=errno.ENOSPC, calls=CALLS):
    """Let the n-th of these calls to the system fail; tells how many there were."""
    count = [0]

    def fallible(name):
        genuine = getattr(os, name)

        def call(*args, **kwargs):
            if name == "open" and not args[1] & os.O_CREAT:
                return genuine(*args, **kwargs)
            count[0] += 1
            if count[0] == number:
                raise OSError(code, os.strerror(code), str(args[0]))
            return genuine(*args, **kwargs)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in calls:
            patch.setattr(os, name, fallible(name))
        yield count


def until_it_succeeds(operation, check, code=errno.ENOSPC):
    """Run it with a fault at the first call, the second, … until none is hit; return how many."""
    number = 0
    while True:
        number += 1
        with failing_at(number, code) as count:
            told = failure_of(operation)
        if told is not None:
            check()
            assert REASONS[code] in told
            continue
        assert count[0] < number, "a fault was swallowed"
        return number - 1


def failure_of(operation):
    """The text of the StorageError that it ends with, or None."""
    try:
        operation()
    except StorageError as error:
        return str(error)
    return None


def temporaries(folder):
    return [str(path) for path in folder.rglob("*") if path.name.endswith(".partial")]


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("code", REASONS)
def test_weights_are_the_old_or_the_new(tmp_path, suffix, code):
    """Old whole after each failure, and no temporary file."""
    path = tmp_path / f"net{suffix}"
    save_weights({"w": torch.zeros(5)}, path)

    def check():
        values = read_state_dict(path)["w"].tolist()
        # Only the last sync, of the folder, comes after the new file is in its place.
        assert values in ([0.0] * 5, [1.0] * 5)
        assert temporaries(tmp_path) == []

    faults = until_it_succeeds(lambda: save_weights({"w": torch.ones(5)}, path), check, code)
    assert faults >= 3
    assert read_state_dict(path)["w"].eq(1).all()


def test_a_checkpoint_is_there_whole_or_not(tmp_path):
    """The older one stays readable; nothing of the new one is seen."""
    model = OrderedDict(w=torch.ones(4))
    old = write_checkpoint(tmp_path, 1, model, {"rate": 0.1}, ended=True)

    new = old.with_name("step-00000002-end")

    def write():
        write_checkpoint(tmp_path, 2, model, {"rate": 0.2}, ended=True)

    def check():
        assert read_checkpoint(old).state == {"rate": 0.1}
        for path in checkpoints(tmp_path):
            read_checkpoint(path)
        assert temporaries(tmp_path) == []

    number = 0
    while True:
        number += 1
        shutil.rmtree(new, ignore_errors=True)
        with failing_at(number) as count:
            told = failure_of(write)
        check()
        if count[0] < number:
            break
        assert told is not None or number == 1, "only making the folder that is there may fail"
    assert number > 12
    assert read_checkpoint(new).state == {"rate": 0.2}


@pytest.mark.parametrize("first", range(1, 30, 7))
def test_a_training_survives_any_refusal(first):
    """At calls from the first to the last: the error is zoo's own, and the run can go on."""
    expected = stored(begin(name="whole"))
    for number in range(first, 600, 29):
        name = f"run-{number}"
        with failing_at(number) as count, suppress(ZooError):
            begin(name=name)
        if count[0] < number:
            break
        if not (zoo.home.runs_dir() / name).exists():
            continue
        run = find_run(name)
        assert temporaries(run.path) == []
        if run.state != "done":
            # Where the record could not be written it says that it is at work, in this process.
            run = go_on(name=name, force=True)
        assert stored(run) == expected
    else:
        pytest.fail("a training of three epochs makes no 600 such calls")


LIMITED = """
    import resource, signal, sys
    import torch
    import zoo
    from zoo.errors import StorageError

    path = sys.argv[1]
    zoo.save_weights({"w": torch.zeros(5)}, path)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    try:
        zoo.save_weights({"w": torch.zeros(1_000_000)}, path)
    except StorageError as error:
        print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no such limit there")
@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_a_full_disk_in_the_middle_of_a_file(tmp_path, suffix):
    """A limit on the size of files is hit while tensors are written, as a full disk is."""
    assert resource.RLIMIT_FSIZE is not None
    path = tmp_path / f"net{suffix}"
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(LIMITED), str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"can't write {path}: File too large" in done.stdout
    assert read_state_dict(path)["w"].shape == (5,)
    assert temporaries(tmp_path) == []


WRITER = """
    import sys
    import torch
    import zoo

    path, value = sys.argv[1], float(sys.argv[2])
    tensors = {name: torch.full((2000,), value) for name in ("a", "b", "c")}
    for _ in range(100):
        zoo.save_weights(tensors, path)
"""


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_two_writers_and_a_reader_of_one_name(tmp_path, suffix):
    """200 rounds: whoever reads sees one of the files whole, never a mix, never none."""
    path = tmp_path / f"net{suffix}"
    save_weights({name: torch.zeros(2000) for name in ("a", "b", "c")}, path)
    writers = [
        subprocess.Popen([sys.executable, "-c", textwrap.dedent(WRITER), str(path), value])
        for value in ("1", "2")
    ]
    seen = set()
    while any(writer.poll() is None for writer in writers):
        values = {float(v) for t in read_state_dict(path).values() for v in (t.min(), t.max())}
        assert len(values) == 1
        seen |= values
    assert [writer.returncode for writer in writers] == [0, 0]
    assert seen & {1.0, 2.0}
    assert temporaries(tmp_path) == []
