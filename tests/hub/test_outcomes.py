"""What has become of a commit whose answer told of a fault, as the hub's history has it."""

import os
import signal
from pathlib import Path

import pytest
from hub_commands import REPO, ours, zoo

COMMIT = "/commit/main"
HTML = b"<html><body>Please log in to this network</body></html>"


@pytest.mark.parametrize("do", [500, 503, 504, 429, "cut"])
def test_a_commit_that_was_not_made_is_sent_again(hub, run, do):
    """After the head was looked at; the client itself gives up at once."""
    hub.fault("POST", COMMIT, do)
    zoo("push", "mlp", REPO)
    assert ours(hub) == 1
    assert len(hub.asked("POST", COMMIT)) == 2


@pytest.mark.parametrize(
    "do", ["cut-after", "rst", "fin", "409-after", "412-after", "429-after", "500-after"]
)
def test_a_commit_that_was_made_is_a_success_whatever_was_answered(hub, run, do):
    """The head has what was sent: it is not sent twice, and not called a failure."""
    hub.fault("POST", COMMIT, do)
    said = zoo("push", "mlp", REPO)
    assert hub.repos[REPO].refs["main"] in said.out
    assert ours(hub) == 1
    assert len(hub.asked("POST", COMMIT)) == 1


@pytest.mark.parametrize(
    "theirs", [{"notes.md": b"theirs"}, {"README.md": b"theirs"}, {"model.safetensors": b"theirs"}]
)
def test_a_commit_that_others_have_built_upon_is_ours_all_the_same(hub, run, theirs):
    """Its answer was lost, and the head is another by now: what is printed is what we made."""
    hub.fault("POST", COMMIT, "cut-after")
    hub.after += [lambda: hub.add(REPO, theirs), lambda: hub.add(REPO, {"more.md": b"theirs"})]
    said = zoo("push", "mlp", REPO, "--json")
    newest, _, made, _ = hub.repos[REPO].history()
    assert said.json["commit"] == made
    assert "manifest.json" in hub.repos[REPO].commits[made]
    assert hub.repos[REPO].refs["main"] == newest
    assert len(hub.asked("POST", COMMIT)) == 1


def test_what_somebody_else_has_made_meanwhile_is_not_called_ours(pushed, run):
    """Our commit came to nothing with theirs: not pushed, though nobody answered."""
    pushed.repos[REPO].commit("main", {})
    pushed.before.append((COMMIT, lambda: pushed.add(REPO, {"notes.md": b"theirs"})))
    pushed.fault("POST", COMMIT, "cut")
    said = zoo("push", "mlp", REPO, code=1)
    assert "not pushed: somebody else has changed ada/digits meanwhile" in said.err
    assert pushed.head(REPO) == {"notes.md": b"theirs"}


def test_a_history_that_was_rewritten_is_a_conflict(pushed, run):
    """The commit that was seen is in it no more."""

    def rewrite():
        repo = pushed.repos[REPO]
        repo.refs.clear()
        repo.commit("main", {})

    pushed.repos[REPO].commit("main", {})
    pushed.before.append((COMMIT, rewrite))
    pushed.fault("POST", COMMIT, "cut")
    assert "somebody else has changed" in zoo("push", "mlp", REPO, code=1).err
    assert pushed.head(REPO) == {}


def test_a_commit_whose_answer_never_comes_is_a_success(hub, run, clock):
    """The time is over, and the head has what was sent."""
    hub.fault("POST", COMMIT, "stall-after")
    hub.after.append(clock.leap)
    said = zoo("push", "mlp", REPO)
    assert hub.repos[REPO].refs["main"] in said.out
    assert ours(hub) == 1


def test_a_commit_that_stalls_is_unknown(hub, run, clock):
    """The head is as it was, and the hub may yet do it."""
    hub.fault("POST", COMMIT, "stall")
    hub.before.append((COMMIT, clock.leap))
    said = zoo("push", "mlp", REPO, code=3)
    assert "it is not known whether mlp was pushed to ada/digits" in said.err
    assert "the commit was sent, but the time is over (3600 s). Push it again: what" in said.err
    assert ours(hub) == 0
    zoo("push", "mlp", REPO)
    assert ours(hub) == 1


def test_a_commit_that_nobody_answers_for_is_unknown(hub, run):
    """The commit was sent, and then there was no hub any more: exit code 3."""
    hub.fault("POST", COMMIT, "cut-after")
    hub.after.append(lambda: hub.fault("GET", "/api/models/", 503, times=99))
    said = zoo("push", "mlp", REPO, code=3)
    assert "it is not known whether mlp was pushed to ada/digits" in said.err
    assert "ry again" not in said.err, "it is said once what to do"
    hub.faults.clear()
    assert zoo("push", "mlp", REPO, "--json").json["changed"] is False
    assert ours(hub) == 1


@pytest.mark.parametrize(
    ("do", "words"),
    [
        ("cut", "the connection to 127.0.0.1"),
        (504, "got no answer from it (HTTP 504"),
        (502, "got no answer from it (HTTP 502"),
        (200, "answers as no hub does"),
    ],
)
def test_a_commit_that_is_never_seen_may_come_yet(hub, run, do, words):
    """The hub itself never said no: looking thrice, and not seeing it, is no proof."""
    hub.fault("POST", COMMIT, do, times=99, body=HTML, headers={"Content-Type": "text/html"})
    said = zoo("push", "mlp", REPO, code=3)
    assert words in said.err
    assert len(hub.asked("POST", COMMIT)) == 3
    assert ours(hub) == 0


def test_a_commit_that_the_hub_says_it_could_not_make_is_not_pushed(hub, run):
    """Each time the head was looked at, and was as before."""
    hub.fault("POST", COMMIT, 500, times=99)
    said = zoo("push", "mlp", REPO, code=1)
    assert "not pushed: 127.0.0.1" in said.err
    assert "HTTP 500" in said.err
    assert ours(hub) == 0


def test_a_commit_answered_with_no_commit_is_looked_for(hub, run):
    """Whatever a hub calls it: what is printed was read from its history."""
    body = b'{"commitOid": "\\u001b[31mred", "commitUrl": "http://x/ada/digits/commit/1"}'
    hub.fault("POST", COMMIT, 200, times=3, body=body)
    said = zoo("push", "mlp", REPO, code=3)
    assert "\x1b" not in said.err
    assert ours(hub) == 0


def test_a_hub_that_goes_before_the_commit_is_sent_has_not_got_it(hub, run, online):
    """There was no connection to send it over: not pushed, and not unknown."""
    online.setattr("loopback.Handler.protocol_version", "HTTP/1.0")  # a connection each
    verify = "/lfs/verify"

    def go():
        hub.shutdown()
        hub.server_close()

    hub.before.append((verify, lambda: hub.before.append((verify, go))))  # weights, and picture
    said = zoo("push", "mlp", REPO, code=1)
    assert "not pushed: 127.0.0.1" in said.err
    assert "can't be reached" in said.err
    assert len(hub.asked("POST", verify)) == 2
    assert ours(hub) == 0


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="no list of processes to read")
def test_a_client_that_dies_with_a_commit_under_way_is_no_proof(hub, run):
    """As where memory runs out: the head has what was sent."""

    def kill():
        (child,) = children()
        os.kill(child, signal.SIGKILL)

    hub.fault("POST", COMMIT, "stall-after")
    hub.after.append(kill)
    said = zoo("push", "mlp", REPO)
    assert hub.repos[REPO].refs["main"] in said.out
    assert ours(hub) == 1


def children():
    """The processes that this one has started to speak with a hub."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            line = (stat.parent / "cmdline").read_bytes()
        except OSError:  # it has ended
            continue
        if parent == os.getpid() and b"zoo.hub._child" in line:
            yield int(stat.parent.name)


def test_every_commit_names_its_parent(hub, run):
    """On one parent only one can succeed, however often it is sent."""
    hub.fault("POST", COMMIT, "cut", times=2)
    zoo("push", "mlp", REPO)
    bodies = [entry[4] for entry in hub.log if COMMIT in entry[1]]
    first = hub.repos[REPO].history()[-1]
    assert len(bodies) == 3
    assert all(f'"parentCommit": "{first}"'.encode() in body for body in bodies)
