"""What a push makes of each fault between it and the hub: the truth, and one line."""

import os
import signal
import subprocess
import sys
import time

import pytest
from hub_commands import REPO, ours, zoo

COMMIT = "/commit/main"


def test_an_upload_is_tried_again(hub, run):
    """The client does so by itself, at each of its steps; there is one commit in the end."""
    hub.fault("POST", "/preupload/", 503)
    hub.fault("POST", "/objects/batch", 429)
    hub.fault("PUT", "/lfs/put/", 500)
    hub.fault("PUT", "/lfs/put/", "read-cut")
    hub.fault("POST", "/lfs/verify", 500)
    zoo("push", "mlp", REPO)
    assert not [fault for fault in hub.faults if fault.times]
    assert ours(hub) == 1
    assert hub.head(REPO)["model.safetensors"] == (run / "model.safetensors").read_bytes()


def test_a_part_alone_is_sent_again(online, run):
    """Of a file that is sent in parts."""
    from loopback import LoopbackHub

    with LoopbackHub(part=150_000) as hub:
        online.setenv("HF_ENDPOINT", hub.url)
        hub.fault("PUT", "/lfs/part/.*/2$", 500)
        zoo("push", "mlp", REPO)
        assert len(hub.asked("PUT", "/lfs/part/")) == 4
        assert hub.head(REPO)["model.safetensors"] == (run / "model.safetensors").read_bytes()


def test_that_it_is_tried_again_is_said(hub, run):
    """Else a push that waits looks like one that hangs; addresses lose what gives access."""
    hub.fault("PUT", "/lfs/put/", 500)
    said = zoo("push", "mlp", REPO)
    assert "500" in said.err
    assert "signature" not in said.err


def test_a_question_is_asked_again(hub, run):
    """The client asks once; none of these does anything twice."""
    hub.fault("GET", "/revision/", 503)
    hub.fault("POST", "/repos/create", "cut")
    hub.fault("GET", "/tree/", 502, skip=1)
    zoo("push", "mlp", REPO)
    assert [fault.times for fault in hub.faults] == [0, 0, 1]
    zoo("push", "mlp", REPO)
    assert [fault.times for fault in hub.faults] == [0, 0, 0]
    assert ours(hub) == 1


def test_a_file_that_is_rewritten_meanwhile_arrives_as_it_was(hub, run):
    """A copy is sent. This hub would not have noticed."""
    hub.verify = False
    file = run / "model.safetensors"
    data = file.read_bytes()

    def rewrite():
        with file.open("r+b") as stream:
            stream.seek(-4, os.SEEK_END)
            stream.write(b"\0\0\0\1")

    hub.before.append(("/objects/batch", rewrite))
    zoo("push", "mlp", REPO)
    assert file.read_bytes() != data
    assert hub.head(REPO)["model.safetensors"] == data


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_push_that_is_killed_leaves_the_head_and_the_next_completes_it(hub, run, online):
    """The process that speaks with the hub ends, too; what had arrived is not sent again."""
    zoo("push", "mlp", REPO)
    before = hub.repos[REPO].refs["main"]
    hub.log.clear()
    hub.fault("PUT", "/lfs/put/", "stall-after")  # model.pth: it has arrived, and nobody says so
    process = subprocess.Popen(
        [sys.executable, "-m", "zoo", "push", "mlp", REPO, "--with-pth"],
        env={**os.environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    while not hub.asked("PUT"):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    assert hub.repos[REPO].refs["main"] == before
    assert not hub.asked("POST", COMMIT)
    hub.log.clear()
    zoo("push", "mlp", REPO, "--with-pth")
    assert "model.pth" in hub.head(REPO)
    assert ours(hub) == 2
    assert not hub.asked("PUT")
    left = (run.parents[1] / "hub").iterdir()
    assert not list(left), "the copies of the one that was killed are gone, too"


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize(
    ("method", "path", "sent", "code", "word"),
    [
        ("POST", "/preupload/", signal.SIGINT, 130, "zoo: interrupted: nothing was pushed"),
        ("POST", "/preupload/", signal.SIGTERM, 75, "zoo: stopped by SIGTERM: nothing was pushed"),
        ("POST", COMMIT, signal.SIGINT, 130, "it may be there, or not"),
        ("POST", COMMIT, signal.SIGTERM, 75, "it may be there, or not"),
        # Where it is looked what became of it:
        ("GET", "/revision/", signal.SIGINT, 130, "it may be there, or not"),
    ],
)
def test_who_stops_it_is_told_whether_it_may_be_there(hub, run, method, path, sent, code, word):
    """By Ctrl-C or SIGTERM; once the commit was sent, a line says that it may be there."""
    hub.add(REPO, {"notes.md": b"theirs"})
    if method == "GET":
        hub.fault("POST", COMMIT, "cut")
    hub.fault(method, path, "stall", skip=int(method == "GET"))
    process = subprocess.Popen(
        [sys.executable, "-m", "zoo", "push", "mlp", REPO], stderr=subprocess.PIPE, text=True
    )
    while hub.faults[-1].times:
        time.sleep(0.02)
    process.send_signal(sent)
    _, said = process.communicate(timeout=60)
    assert process.returncode == code
    assert word in said
    assert not list((run.parents[1] / "hub").iterdir()), "the copies are gone"
    assert ours(hub) == 0


def test_the_closed_protocol_is_not_spoken(hub, run):
    """Its library is installed, and would be used: it can't fall back, and repeats commits."""
    pytest.importorskip("hf_xet")
    zoo("push", "mlp", REPO)
    zoo("pull", REPO)
    assert not hub.asked(path="xet")
    assert hub.asked("PUT", "/lfs/put/")


@pytest.mark.parametrize("name", ["HF_HUB_OFFLINE", "ZOO_OFFLINE", "TRANSFORMERS_OFFLINE"])
def test_offline_nobody_is_asked(hub, run, online, name):
    """The line names the variable."""
    online.setenv(name, "1")
    assert f"not pushed: {name} is set" in zoo("push", "mlp", REPO, code=1).err
    assert not hub.log
