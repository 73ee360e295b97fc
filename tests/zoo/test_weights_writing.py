"""Files are written whole or not at all, whatever fails and whenever."""

import hashlib
import itertools
import os
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch

from zoo._files import SavedFile, write_atomically, write_text
from zoo.errors import StorageError
from zoo.weights import read_state_dict, save_weights

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes, signals and limits")


def run_python(code: str, *arguments: object) -> str:
    """Run a program of its own, which must succeed; return what it prints."""
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_was_written_is_described_by_its_digest_and_size(tmp_path):
    """The digest is that of the bytes on disk."""
    saved = write_text(tmp_path / "a.txt", "häuser\n")
    data = (tmp_path / "a.txt").read_bytes()
    assert data == "häuser\n".encode()
    assert saved == SavedFile(tmp_path / "a.txt", hashlib.sha256(data).hexdigest(), len(data))


def test_nothing_else_is_left_in_the_folder(tmp_path):
    """Writing twice leaves one file, the newer one."""
    for text in ("old", "new"):
        write_text(tmp_path / "a.txt", text)
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {"a.txt": "new"}


def test_the_temporary_lies_beside_the_file_and_names_its_process(tmp_path):
    """Only a rename within one folder is atomic; a leftover of a kill can be told by its name."""
    seen = []
    write_atomically(tmp_path / "a.txt", seen.append)
    (temporary,) = seen
    assert temporary.parent == tmp_path
    name = temporary.name.split(".")
    assert (name[0], name[-1]) == ("", "partial")
    assert str(os.getpid()) in name


@pytest.mark.parametrize("error", [RuntimeError("no"), KeyboardInterrupt(), OSError(28, "full")])
def test_a_failing_writer_leaves_the_old_file(tmp_path, error):
    """Whatever the writer raises, the old file is intact and the temporary gone."""
    write_text(tmp_path / "a.txt", "old")

    def write(file: Path) -> None:
        file.write_text("half of the n")
        raise error

    with pytest.raises(StorageError if isinstance(error, OSError) else type(error)):
        write_atomically(tmp_path / "a.txt", write)
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {"a.txt": "old"}


def test_each_system_call_may_fail(tmp_path, monkeypatch):
    """The n-th call fails, for every n until none does: the file is old or new, never between."""
    file = tmp_path / "a.txt"
    for failing in itertools.count(1):
        write_text(file, "old")
        numbers = itertools.count(1)
        with monkeypatch.context() as patch:
            for name in ("open", "chmod", "fsync", "replace", "fstat"):
                patch.setattr(os, name, failing_at(failing, numbers, getattr(os, name)))
            error = error_of(lambda: write_text(file, "new"))
        if error is None:
            break
        assert str(file) in str(error)
        assert "Input/output error" in str(error)
        assert [other.name for other in tmp_path.iterdir()] == ["a.txt"]
        assert file.read_text() in ("old", "new")
    assert failing > 6
    assert file.read_text() == "new"


def error_of(function):
    try:
        function()
    except StorageError as error:
        return error
    return None


def failing_at(number, numbers, function):
    def call(*arguments, **options):
        if next(numbers) == number:
            raise OSError(5, "Input/output error")
        return function(*arguments, **options)

    return call


@posix
@pytest.mark.parametrize(
    ("umask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o027, 0o640), (0o277, 0o400)]
)
def test_the_mode_is_what_the_umask_says(tmp_path, umask, mode):
    """Others read a shared zoo exactly where its owner lets them."""
    before = os.umask(umask)
    try:
        write_text(tmp_path / "a.txt", "text")
        write_text(tmp_path / "a.txt", "again")
    finally:
        os.umask(before)
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == mode


def test_a_long_name_leaves_room_for_the_temporary(tmp_path):
    """A name of the greatest length a file system takes can be written."""
    file = tmp_path / ("x" * 251 + ".txt")
    write_text(file, "text")
    assert file.read_text() == "text"


@posix
def test_a_symbolic_link_is_replaced_and_its_target_kept(tmp_path):
    """What a link points to belongs to somebody else."""
    target = tmp_path / "target.txt"
    target.write_text("theirs")
    (tmp_path / "link.txt").symlink_to(target)
    write_text(tmp_path / "link.txt", "ours")
    assert target.read_text() == "theirs"
    assert (tmp_path / "link.txt").read_text() == "ours"


@pytest.mark.parametrize("place", ["missing/a.txt", "file/a.txt", "folder"])
def test_a_place_that_cannot_be_written_is_named(tmp_path, place):
    """A missing folder, a file for a folder, a folder for a file: an error with the path."""
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError) as raised:
        write_text(tmp_path / place, "text")
    assert str(tmp_path / place) in str(raised.value)
    assert raised.value.exit_code == 1
    assert sorted(file.name for file in tmp_path.iterdir()) == ["file", "folder"]


@posix
def test_a_full_disk_is_called_by_its_name_whoever_writes(tmp_path):
    """PyTorch and safetensors hide the system's reason; it is told, and the old file kept."""
    printed = run_python(
        """
        import resource, signal, sys
        from pathlib import Path
        import torch
        from zoo.errors import StorageError
        from zoo._files import write_text
        from zoo.weights import save_weights

        folder = Path(sys.argv[1])
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        small, large = {"a": torch.ones(10)}, {"a": torch.ones(100_000)}
        for name in ("a.safetensors", "a.pth"):
            save_weights(small, folder / name)
        write_text(folder / "a.json", "{}")
        before = {file.name: file.read_bytes() for file in folder.iterdir()}
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
        for name in ("a.safetensors", "a.pth", "a.json"):
            try:
                if name == "a.json":
                    write_text(folder / name, "x" * 100_000)
                else:
                    save_weights(large, folder / name)
            except StorageError as error:
                assert str(folder / name) in str(error), error
                print(error)
        assert before == {file.name: file.read_bytes() for file in folder.iterdir()}
        """,
        tmp_path,
    )
    assert printed.count("File too large") == 3
    assert printed.count("ulimit -f") == 3


@posix
def test_a_killed_writer_leaves_the_old_file_or_the_new_one(tmp_path):
    """SIGKILL at random moments of a loop of saves: the file always loads, and is of one piece."""
    printed = run_python(
        """
        import os, random, signal, sys, time
        from pathlib import Path
        import torch
        from zoo.weights import read_state_dict, save_weights

        folder = Path(sys.argv[1])
        random.seed(0)
        torch.set_num_threads(1)  # a forked child has none of its parent's threads
        for kill in range(30):
            file = folder / ("a.safetensors", "a.pth")[kill % 2]
            save_weights({"a": torch.zeros(100_000), "b": torch.zeros(7)}, file)
            saved, told = os.pipe()
            child = os.fork()
            if child == 0:
                signal.alarm(60)
                for number in range(1, 1_000_000):
                    a, b = torch.full((100_000,), number), torch.full((7,), number)
                    save_weights({"a": a, "b": b}, file)
                    os.write(told, b".")
            os.read(saved, 1)  # the first save is done; the kill comes during a later one
            time.sleep(random.uniform(0, 0.03))
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            state = read_state_dict(file)
            values = {int(v) for tensor in state.values() for v in tensor.unique()}
            assert len(values) == 1 and values != {0}, values
            print(f"ok {file.name}")
        """,
        tmp_path,
    )
    assert printed.count("ok") == 30


@posix
def test_the_disk_is_told_before_the_name_is_given(tmp_path, monkeypatch):
    """A power cut finds old or new: the file is synced before the rename, the folder after it."""
    events = []
    fsync, replace = os.fsync, os.replace

    def noted_fsync(descriptor):
        folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        events.append("sync folder" if folder else "sync file")
        fsync(descriptor)

    def noted_replace(old, new):
        events.append("rename")
        replace(old, new)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_replace)
    write_text(tmp_path / "a.txt", "text")
    assert events == ["sync file", "rename", "sync folder"]


@posix
@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_weights_take_the_place_of_a_read_only_file(tmp_path, suffix):
    """It is the folder that may be written to or not; and the mode is what the umask says now."""
    file = tmp_path / f"net{suffix}"
    save_weights({"a": torch.zeros(3)}, file)
    file.chmod(0o444)
    save_weights({"a": torch.ones(3)}, file)
    assert read_state_dict(file)["a"].eq(1).all()
    assert file.stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask() -> int:
    before = os.umask(0)
    os.umask(before)
    return before


@posix
def test_what_was_loaded_does_not_hang_on_the_file(tmp_path):
    """Replaced, written over, cut short, removed after it was loaded: nothing changes."""
    printed = run_python(
        """
        import os, sys
        from pathlib import Path
        import torch
        from zoo.weights import load_weights, read_state_dict, save_weights

        for name in ("a.safetensors", "a.pth"):
            for harm in ("replace", "rewrite", "truncate", "unlink"):
                file = Path(sys.argv[1], name)
                model = torch.nn.Linear(500, 400)
                with torch.no_grad():
                    model.weight.fill_(3)
                save_weights(model, file)
                with torch.no_grad():
                    model.weight.fill_(0)
                load_weights(model, file)
                state = read_state_dict(file)
                if harm == "replace":
                    save_weights({"a": torch.zeros(1)}, file)
                elif harm == "rewrite":
                    size = file.stat().st_size
                    with file.open("rb+") as stream:
                        stream.write(bytes(size))
                elif harm == "truncate":
                    os.truncate(file, 0)
                else:
                    file.unlink()
                assert model.weight.eq(3).all() and state["weight"].eq(3).all(), harm
                print("kept")
        """,
        tmp_path,
    )
    assert printed.count("kept") == 8
