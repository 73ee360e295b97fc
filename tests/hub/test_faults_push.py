"""What a push makes of each fault between it and the hub: the truth, and one line."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest
from hub_commands import REPO, zoo
from loopback import STRANGER

COMMIT = "/commit/main"


def ours(hub):
    """The commits that pushes have made."""
    return len(hub.repos[REPO].history()) - 1


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


def test_a_hub_that_asks_for_patience_gets_no_more_than_there_is(hub, run):
    """The client would wait as long as it is told: here 100 s, and the push has three."""
    hub.fault("PUT", "/lfs/put/", 429, times=9, headers={"Retry-After": "100"})
    began = time.monotonic()
    said = zoo("push", "mlp", REPO, "--timeout", 3, code=1)
    assert time.monotonic() - began < 10
    assert "not pushed: the time is over: 3 s" in said.err
    assert ours(hub) == 0


@pytest.mark.parametrize("do", [500, "cut"])
def test_a_commit_that_was_refused_by_chance_is_sent_again(hub, run, do):
    """After the head was looked at; the client itself gives up at once."""
    hub.fault("POST", COMMIT, do)
    zoo("push", "mlp", REPO)
    assert ours(hub) == 1
    assert len(hub.asked("POST", COMMIT)) == 2


def test_a_commit_whose_answer_is_lost_is_a_success(hub, run):
    """The head has what was sent: it is not sent twice, and not called a failure."""
    hub.fault("POST", COMMIT, "cut-after")
    said = zoo("push", "mlp", REPO)
    assert hub.repos[REPO].refs["main"] in said.out
    assert ours(hub) == 1
    assert len(hub.asked("POST", COMMIT)) == 1


def test_a_commit_whose_answer_never_comes_is_a_success(hub, run):
    """The time is over, and the head has what was sent."""
    hub.fault("POST", COMMIT, "stall-after")
    said = zoo("push", "mlp", REPO, "--timeout", 3)
    assert hub.repos[REPO].refs["main"] in said.out
    assert ours(hub) == 1


def test_a_commit_that_nobody_answers_for_is_unknown(hub, run):
    """The commit was sent, and then there was no hub any more: exit code 3."""
    hub.fault("POST", COMMIT, "cut-after")
    hub.fault("GET", "/api/models/", 503, times=99, skip=3)
    said = zoo("push", "mlp", REPO, code=3)
    assert "it is not known whether mlp was pushed to ada/digits" in said.err
    hub.faults.clear()
    assert zoo("push", "mlp", REPO, "--json").json["changed"] is False
    assert ours(hub) == 1


def test_a_commit_that_stalls_is_unknown(hub, run):
    """The head is as it was, and the hub may yet do it."""
    hub.fault("POST", COMMIT, "stall")
    said = zoo("push", "mlp", REPO, "--timeout", 3, code=3)
    assert "is not known" in said.err
    assert ours(hub) == 0
    zoo("push", "mlp", REPO)
    assert ours(hub) == 1


def test_a_commit_that_is_never_taken_is_not_pushed(hub, run):
    """Each time the head was looked at, and was as before."""
    hub.fault("POST", COMMIT, 500, times=99)
    said = zoo("push", "mlp", REPO, code=1)
    assert "not pushed: 127.0.0.1" in said.err
    assert "HTTP 500" in said.err
    assert ours(hub) == 0


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


def test_a_hub_that_says_nothing_is_not_waited_for(hub, run, online):
    """The client would wait for ever; after a while the question is put again."""
    online.setattr("zoo.hub._client.ASKING", 0.4)
    hub.fault("GET", "/revision/", "stall")
    zoo("push", "mlp", REPO)
    assert ours(hub) == 1
    hub.fault("GET", "/revision/", "stall", times=9)
    assert "says nothing" in zoo("push", "mlp", REPO, code=1).err
    assert "the time is over" in zoo("push", "mlp", REPO, "--timeout", 1, code=1).err


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
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    time.sleep(0.5)
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
def test_ctrl_c_says_whether_it_may_be_there(hub, run, online):
    """Exit code 130; after the commit was sent, a line says that it may be there."""
    for method, path, word in (
        ("POST", "/preupload/", "zoo: interrupted\n"),
        ("POST", COMMIT, "it may be there, or not"),
    ):
        hub.fault(method, path, "stall")
        process = subprocess.Popen(
            [sys.executable, "-m", "zoo", "push", "mlp", REPO], stderr=subprocess.PIPE, text=True
        )
        while not hub.asked(method, path):
            time.sleep(0.02)
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
        assert process.returncode == 130
        assert word in said
    assert ours(hub) == 0


def test_a_port_that_is_closed_is_told_at_once(hub, run, online):
    """No 23 seconds of trying."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    online.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
    began = time.monotonic()
    said = zoo("push", "mlp", REPO, code=1)
    assert time.monotonic() - began < 8
    assert f"not pushed: 127.0.0.1:{port} can't be reached" in said.err


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


def test_no_token(hub, run, online):
    """The line says how to have one."""
    online.delenv("HF_TOKEN")
    said = zoo("push", "mlp", REPO, code=1)
    assert "not pushed: there is no token for 127.0.0.1" in said.err
    assert "hf auth login" in said.err
    assert not hub.log


def test_a_token_that_nobody_knows(hub, run, online):
    """The line says so, and not that there is no such repository."""
    online.setenv("HF_TOKEN", STRANGER)
    said = zoo("push", "mlp", REPO, code=1)
    assert "does not know the token" in said.err
    assert REPO not in hub.repos


def test_a_card_that_the_hub_refuses(hub, run):
    """Its words are in the line."""
    hub.fault("POST", "/validate-yaml", 400)
    said = zoo("push", "mlp", REPO, code=1)
    assert "not pushed: 127.0.0.1" in said.err
    assert "refuses" in said.err
    assert ours(hub) == 0


def test_a_disk_that_is_full(hub, run, online):
    """While copies are made: the line says where another disk is told of."""
    import errno

    def full(*_arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    online.setattr("shutil.copyfile", full)
    said = zoo("push", "mlp", REPO, code=1)
    assert "No space left on device" in said.err
    assert "ZOO_HOME" in said.err
    assert not hub.log
