"""One line for each fault on the way of a push: what it is, what to do, and nothing was pushed."""

import pytest
from hub_commands import REPO, ours, zoo
from loopback import STRANGER, LoopbackHub

HTML = {
    "body": b"<html><body>Please log in to this network</body></html>",
    "headers": {"Content-Type": "text/html"},
}
NOT_FOUND = {"body": b"<html>404</html>", "headers": {"Content-Type": "text/html"}}
QUOTA = {"body": b'{"error": "Private storage limit reached, upgrade"}'}
PATIENCE = {"headers": {"Retry-After": "9999999"}}
LIMIT = {"headers": {"RateLimit": '"api";r=0;t=9999999'}}


@pytest.mark.parametrize(
    ("method", "path", "do", "more", "words"),
    [
        ("GET", "/revision/", 401, {}, "does not know the token"),
        ("GET", "/revision/", 403, {}, "the token has no right to write to ada/digits"),
        ("GET", "/revision/", 429, PATIENCE, "to be asked again in 9,999,999 s"),
        ("GET", "/revision/", 500, {}, "has a fault of its own (HTTP 500: planned)"),
        ("GET", "/revision/", 504, {}, "got no answer from it (HTTP 504"),
        ("GET", "/revision/", "cut", {}, "was cut"),
        ("GET", "/revision/", 200, HTML, "answers as no hub does"),
        ("GET", "/tree/", 200, HTML, "answers as no hub does"),
        ("POST", "/repos/create", 401, {}, "does not know the token"),
        ("POST", "/repos/create", 403, {}, "no right to write to ada/digits on 127.0.0.1"),
        ("POST", "/repos/create", 404, NOT_FOUND, "can't be made on 127.0.0.1"),
        ("POST", "/repos/create", 200, HTML, "answers as no hub does"),
        ("POST", "/validate-yaml", 400, {}, "refuses: "),
        ("POST", "/preupload/", 401, {}, "does not know the token"),
        ("POST", "/preupload/", 403, QUOTA, "(HTTP 403: Private storage limit reached, upgrade)"),
        ("POST", "/preupload/", 200, HTML, "answers as no hub does"),
        ("POST", "/preupload/", 429, LIMIT, "to be asked again in 9,999,999 s"),
        ("POST", "/objects/batch", 403, {}, "no right"),
        ("PUT", "/lfs/put/", 403, {}, "HTTP 403"),
        ("PUT", "/lfs/put/", 507, {}, "HTTP 507"),
        ("POST", "/commit/main", 400, {}, "refuses: HTTP 400: planned"),
        ("POST", "/commit/main", 403, QUOTA, "Private storage limit reached, upgrade"),
        ("POST", "/commit/main", 413, {}, "refuses: HTTP 413: planned"),
        ("POST", "/commit/main", 412, {}, "somebody else has changed ada/digits meanwhile"),
    ],
)
def test_what_stands_in_the_way_is_told_in_a_line(hub, run, method, path, do, more, words):
    """With exit code 1; there is no commit of ours."""
    hub.fault(method, path, do, times=99, **more)
    said = zoo("push", "mlp", REPO, code=1)
    *_, line = said.err.splitlines()
    assert line.startswith("zoo: not pushed: ")
    assert words in line
    assert "Traceback" not in said.err
    assert said.out == ""
    assert ours(hub) == 0


def test_a_network_that_wants_a_login_is_no_hub(hub, run, online):
    """It answers with a page of its own to whatever it is asked."""
    for method in ("GET", "HEAD", "POST", "PUT"):
        hub.fault(method, "", 200, times=99, **HTML)
    said = zoo("push", "mlp", REPO, code=1)
    assert "not pushed: 127.0.0.1" in said.err
    assert "whether the network wants a login first" in said.err
    assert len(said.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        ("http://127.0.0.1:9", "127.0.0.1:9 can't be reached"),
        ("http://hub.invalid", "hub.invalid can't be reached"),
        ("127.0.0.1:9", "not pushed: HF_ENDPOINT is '127.0.0.1:9', which is no hub's address"),
        ("ftp://ada:secret@127.0.0.1", "HF_ENDPOINT is 'ftp://127.0.0.1', which"),
        ("http://127.0.0.1:99999", "HF_ENDPOINT is 'http://127.0.0.1:99999', which"),
        (" ", "HF_ENDPOINT is ' ', which"),
        ("", "HF_ENDPOINT is '', which"),
        ("http://ada:secret@127.0.0.1:9", "not pushed: 127.0.0.1:9 can't be reached"),
    ],
)
def test_where_there_is_no_hub(hub, run, online, endpoint, words):
    """The address is the one that is set; a password in it is not shown, what is none is."""
    online.setenv("HF_ENDPOINT", endpoint)
    said = zoo("push", "mlp", REPO, code=1)
    assert words in said.err
    assert "secret" not in said.err


def test_a_hub_that_asks_for_patience_gets_no_more_than_there_is(hub, run):
    """The client would wait as long as it is told: it is told that there is no time for it."""
    hub.fault("PUT", "/lfs/put/", 429, times=99, headers={"Retry-After": "500"})
    said = zoo("push", "mlp", REPO, "--timeout", 400, code=1)
    assert "not pushed: 127.0.0.1" in said.err
    assert "(HTTP 429, to be asked again in 500 s)" in said.err
    assert ours(hub) == 0


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/revision/"),
        ("POST", "/repos/create"),
        ("POST", "/preupload/"),
        ("PUT", "/lfs/put/"),
    ],
)
def test_when_the_time_is_over_nothing_is_pushed(hub, run, clock, method, path):
    """Wherever it stalls before the commit is sent."""
    hub.fault(method, path, "stall", times=99)
    hub.before.append((path, clock.leap))
    said = zoo("push", "mlp", REPO, code=1)
    assert "not pushed: the time is over (3600 s)" in said.err
    assert ours(hub) == 0
    assert not hub.asked("POST", "/commit/")


def test_a_repository_may_be_called_commit(hub, run, clock):
    """What else is asked of it is not taken for the commit that is sent."""
    hub.fault("POST", "/preupload/", "stall", times=99)
    hub.before.append(("/preupload/", clock.leap))
    said = zoo("push", "mlp", "ada/commit", "--revision", "a/commit/b", code=1)
    assert "not pushed: the time is over (3600 s)" in said.err


def test_a_hub_that_says_nothing_once_is_asked_again(hub, run, online):
    """The client would wait for ever."""
    online.setattr("zoo.hub._client.ASKING", 1.5)
    hub.fault("GET", "/revision/", "stall")
    zoo("push", "mlp", REPO)
    assert ours(hub) == 1


def test_a_hub_that_says_nothing_is_not_waited_for(hub, run, online):
    """After a while the line says so."""
    online.setattr("zoo.hub._client.ASKING", 0.5)
    hub.fault("GET", "/revision/", "stall", times=99)
    said = zoo("push", "mlp", REPO, code=1)
    assert "not pushed: 127.0.0.1" in said.err
    assert "took the connection and says nothing" in said.err


def test_an_upload_that_stalls_is_not_waited_for(hub, run, online):
    """Each request has its limit, and the process that speaks with the hub is held to it."""
    online.setattr("zoo.hub._client._MORE", -58.0)
    hub.fault("POST", "/preupload/", "stall", times=99)
    said = zoo("push", "mlp", REPO, code=1)
    assert "not pushed: 127.0.0.1" in said.err
    assert "took the connection and says nothing" in said.err
    assert ours(hub) == 0


def test_a_large_file_is_given_the_time_that_a_slow_link_takes():
    """What the system holds is still to go when the last byte was written."""
    from zoo.hub._session import patience

    assert patience(0, 0) == 60
    assert patience(400_000, 400_000) == pytest.approx(80, abs=0.1)
    assert 300 < patience(45_000_000, 45_000_000) < 330
    assert patience(100, 5_000_000_000) == pytest.approx(160, abs=0.1), "a hub that reads it again"


def test_a_tag_is_no_branch(pushed, run):
    """A commit can't be made on it."""
    repo = pushed.repos[REPO]
    repo.commit("main", {})
    repo.tags["v1"] = repo.refs["main"]
    before = repo.history()
    said = zoo("push", "mlp", REPO, "--revision", "v1", code=1)
    assert "not pushed: v1 is no branch of ada/digits on 127.0.0.1" in said.err
    assert repo.history() == before


def test_a_repository_that_is_made_meanwhile_is_used(hub, run):
    """The hub says that it is there, when it is to be made."""
    theirs = hub.add(REPO, {"notes.md": b"theirs"}, private=True)
    hub.fault("GET", "/revision/", 404, headers={"X-Error-Code": "RepoNotFound"})
    zoo("push", "mlp", REPO)
    assert hub.repos[REPO].history()[1:] == [theirs]
    assert hub.head(REPO)["notes.md"] == b"theirs"


def test_a_repository_that_was_renamed_is_found(pushed, run):
    """The hub says where it is now."""
    pushed.repos["ada/numbers"] = pushed.repos.pop(REPO)
    pushed.repos["ada/numbers"].commit("main", {})
    pushed.moved[REPO] = "ada/numbers"
    said = zoo("push", "mlp", REPO)
    assert pushed.repos["ada/numbers"].refs["main"] in said.out
    assert "manifest.json" in pushed.head("ada/numbers")


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
    assert "HF_TOKEN is set, and is used: change it, or unset it" in said.err
    assert REPO not in hub.repos


@pytest.mark.parametrize("token", ["hf_writ\u00e9r_4711", "hf_wri\x0cter_4711"])
def test_a_token_that_can_be_none(hub, run, online, token):
    """It was mistyped, or pasted with more than it: it is not shown."""
    online.setenv("HF_TOKEN", token)
    said = zoo("push", "mlp", REPO, code=1)
    assert "not pushed: the token has characters that no token has" in said.err
    assert "4711" not in said.err


def test_a_disk_that_is_full(hub, run, online):
    """While copies are made: the line says where another disk is told of."""
    import errno
    import os

    def full(*_arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    online.setattr("shutil.copyfile", full)
    said = zoo("push", "mlp", REPO, code=1)
    assert "No space left on device" in said.err
    assert "ZOO_HOME" in said.err
    assert not hub.log


def test_parts_that_are_refused(online, run):
    """Of a file that is sent in parts."""
    with LoopbackHub(part=150_000) as hub:
        online.setenv("HF_ENDPOINT", hub.url)
        hub.fault("PUT", "/lfs/part/.*/2$", 403)
        assert "HTTP 403" in zoo("push", "mlp", REPO, code=1).err
        assert ours(hub) == 0
