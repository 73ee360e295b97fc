"""The token goes to the hub, and nowhere else."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hub_commands import REPO, zoo
from loopback import READER, STRANGER, WRITER

from zoo.hub._faults import fault_of


def all_files(folder):
    """The bytes of everything below a folder."""
    return b"".join(path.read_bytes() for path in Path(folder).rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("token", "fault"),
    [
        (WRITER, ("PUT", "/lfs/put/", 500)),
        (WRITER, ("POST", "/commit/main", "cut-after")),
        (READER, None),
        (STRANGER, None),
    ],
)
def test_it_is_nowhere(hub, run, online, tmp_path, token, fault):
    """Not in what is printed, also with --debug, not in a file of the home, not on the hub."""
    online.setenv("HF_TOKEN", token)
    online.setenv("HF_DEBUG", "1")
    hub.add(REPO, {"README.md": b"mine"}, private=True)
    if fault:
        hub.fault(*fault, times=2)
    printed = b""
    for line in (["push", "mlp", REPO, "--timeout", "20"], ["pull", REPO, "--json"]):
        done = subprocess.run(
            [sys.executable, "-m", "zoo", "--debug", *line],
            capture_output=True,
            check=False,
            env=os.environ,
        )
        printed += done.stdout + done.stderr
    kept = all_files(os.environ["ZOO_HOME"]) + all_files(tmp_path / "hf-home")
    sent = b"".join(b"".join(hub.head(name).values()) for name in hub.repos)
    bodies = b"".join(entry[4] for entry in hub.log)
    paths = "".join(entry[1] for entry in hub.log).encode()
    for place in (printed, kept, sent, bodies, paths):
        assert token.encode() not in place
    assert any(token in str(entry[2]) for entry in hub.log), "the hub was given it"


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="no list of processes to read")
def test_it_is_in_no_process_s_arguments(hub, run):
    """Where everybody on the machine could read it."""
    hub.fault("POST", "/preupload/", "stall")
    process = subprocess.Popen(
        [sys.executable, "-m", "zoo", "push", "mlp", REPO],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    while not hub.asked("POST", "/preupload/"):
        time.sleep(0.02)
    lines = [file.read_bytes() for file in Path("/proc").glob("[0-9]*/cmdline") if readable(file)]
    process.kill()
    process.communicate(timeout=30)
    assert any(b"zoo.hub._child" in line for line in lines)
    assert not any(WRITER.encode() in line for line in lines)


def readable(file):
    """Whether a process is still there."""
    try:
        return bool(file.read_bytes())
    except OSError:
        return False


def test_a_token_of_a_file_is_used(hub, run, online, tmp_path):
    """The one that `hf auth login` has stored."""
    online.delenv("HF_TOKEN")
    (tmp_path / "hf-home").mkdir()
    (tmp_path / "hf-home" / "token").write_text(WRITER, encoding="utf-8")
    zoo("push", "mlp", REPO)
    assert WRITER.encode() not in all_files(os.environ["ZOO_HOME"])


def test_faults_are_told_by_what_lies_behind_them():
    """The client's errors have no common base, and some are wrapped."""
    timeout = type("TimeoutException", (Exception,), {})
    wrapped = RuntimeError("Error while uploading")
    wrapped.__cause__ = type("ReadTimeout", (timeout,), {})("slow")
    assert fault_of(wrapped) == {
        "kind": "stalled",
        "text": "RuntimeError: Error while uploading",
    }
    assert fault_of(OSError(28, "No space left on device"))["kind"] == "disk"
    assert fault_of(ConnectionResetError())["kind"] == "cut"
    assert fault_of(ValueError("odd"))["kind"] == "refused"
    assert fault_of(KeyError("odd"))["kind"] == "bug"
