"""Pushing a run: what arrives, and how often."""

import json
import os
import re
import tomllib

import pytest
from hub_commands import REPO, zoo
from loopback import READER, WRITER

import zoo as api
from zoo._sealed import seal, unseal
from zoo.errors import Stopped

SENT = {
    "README.md",
    "config.json",
    "curves.png",
    "manifest.json",
    "metrics.jsonl",
    "model.safetensors",
    "recipe.toml",
}


def test_a_run_arrives_as_one_commit(hub, run):
    """A private repository is made, and its head has exactly the files of the manifest."""
    said = zoo("push", "mlp", REPO)
    repo = hub.repos[REPO]
    files = hub.head(REPO)
    assert repo.private
    assert len(repo.history()) == 2, "the hub's own first commit, and ours"
    assert repo.refs["main"] in said.out
    assert files.keys() - {".gitattributes"} == SENT
    listed = unseal(files["manifest.json"])["files"]
    assert set(listed) == SENT - {"manifest.json"}
    for name in ("model.safetensors", "recipe.toml", "metrics.jsonl"):
        assert files[name] == (run / name).read_bytes()
        assert listed[name]["bytes"] == len(files[name])


def test_a_push_done_again_sends_nothing(pushed):
    """It says that all is there: no commit, no upload."""
    before = pushed.repos[REPO].history()
    assert f"nothing was sent: {REPO} (private) has mlp, as" in zoo("push", "mlp", REPO).out
    said = zoo("push", "mlp", REPO, "--json")
    assert said.json["changed"] is False
    assert said.json["commit"] == before[0]
    assert pushed.repos[REPO].history() == before
    assert not pushed.asked("PUT")
    assert not pushed.asked("POST")


def test_a_commit_is_made_on_the_head_that_was_seen(hub, run):
    """The request says which commit that is."""
    head = hub.add(REPO, {"README.md": b""})
    zoo("push", "mlp", REPO)
    (body,) = [entry[4] for entry in hub.log if "/commit/" in entry[1]]
    header = json.loads(body.splitlines()[0])["value"]
    assert header["parentCommit"] == head
    assert header["summary"] == "mlp, pushed by zoo"


def test_what_somebody_else_pushes_meanwhile_is_not_overwritten(pushed, run):
    """The push fails and says so; their commit stays the head."""
    theirs = []
    pushed.repos[REPO].commit("main", {})
    pushed.before.append(
        ("/commit/main", lambda: theirs.append(pushed.add(REPO, {"notes.md": b"theirs"})))
    )
    said = zoo("push", "mlp", REPO, code=1)
    assert "not pushed: somebody else has changed ada/digits meanwhile" in said.err
    assert pushed.repos[REPO].refs["main"] == theirs[0]


def test_only_what_the_run_recorded_is_sent(hub, run, tmp_path):
    """No secret that lies in the folder, no temporary file, no pickle."""
    (run / ".env").write_text("SECRET=1", encoding="utf-8")
    (run / "model.tmp").write_text("half", encoding="utf-8")
    (run / "extra.safetensors").symlink_to("/etc/hostname")
    zoo("push", "mlp", REPO)
    assert hub.head(REPO).keys() - {".gitattributes"} == SENT


def test_a_link_in_place_of_a_file_is_not_followed(hub, run, tmp_path):
    """Not even to the same bytes."""
    file = run / "recipe.toml"
    file.rename(tmp_path / "recipe.toml")
    file.symlink_to(tmp_path / "recipe.toml")
    said = zoo("push", "mlp", REPO, code=1)
    assert "is a link" in said.err
    assert not hub.log


@pytest.mark.parametrize("name", ["model.safetensors", "metrics.jsonl"])
def test_a_file_that_has_changed_is_not_sent(hub, run, name):
    """Its digest is the run's; nothing is asked of the hub."""
    data = bytearray((run / name).read_bytes())
    data[-2] ^= 1
    (run / name).write_bytes(data)
    said = zoo("push", "mlp", REPO, code=1)
    assert "is not what the run stored" in said.err
    assert not hub.log


def test_a_large_file_that_has_changed_is_not_sent(hub, run, online):
    """Its bytes are read once, by the client; no byte is sent, and there is no commit."""
    online.setattr("zoo.hub._stage._LARGEST_IN_GIT", 1000)
    data = bytearray((run / "model.safetensors").read_bytes())
    data[-2] ^= 1
    (run / "model.safetensors").write_bytes(data)
    said = zoo("push", "mlp", REPO, code=1)
    assert "not pushed: a file is not what the run stored" in said.err
    assert not hub.asked("PUT")
    assert not hub.asked("POST", "/commit/")


def test_model_pth_is_sent_where_it_is_asked_for(pushed, run):
    """And taken away again by a push without it."""
    zoo("push", "mlp", REPO, "--with-pth")
    assert pushed.head(REPO)["model.pth"] == (run / "model.pth").read_bytes()
    zoo("push", "mlp", REPO)
    assert "model.pth" not in pushed.head(REPO)


@pytest.mark.parametrize("manifest", [None, b'{"name": "my site"}', b"\xff" * 9])
def test_what_users_have_put_there_stays(pushed, run, manifest):
    """Whatever it is called: an earlier push has sent only what its manifest lists."""
    theirs = {"model.pth": b"theirs", "notes.md": b"theirs"}
    if manifest is not None:
        theirs["manifest.json"] = manifest
    pushed.add(REPO, theirs)
    zoo("push", "mlp", REPO, "--message", "anew")
    there = pushed.head(REPO)
    assert (there["model.pth"], there["notes.md"]) == (b"theirs", b"theirs")
    assert b'"sha256"' in there["manifest.json"]


def test_a_public_repository_is_made_where_it_is_asked_for(hub, run):
    """And what exists stays what it is, which is said."""
    zoo("push", "mlp", REPO, "--public")
    assert not hub.repos[REPO].private
    assert "ada/digits is public" in zoo("push", "mlp", REPO).err
    assert "is public" in zoo("push", "mlp", REPO, "--private", code=1).err
    hub.repos[REPO].private = True
    assert "stays so until you change it" in zoo("push", "mlp", REPO, "--public").err


def test_a_branch_is_made_where_there_is_none(pushed):
    """The default branch stays as it is; what is printed to type next names the branch."""
    before = pushed.repos[REPO].refs["main"]
    said = zoo("push", "mlp", REPO, "--revision", "feature/x", "--with-pth")
    assert f"pushed mlp to {REPO}@feature/x " in said.out
    assert f"zoo pull {REPO}@feature/x\n" in said.out
    assert pushed.repos[REPO].refs["main"] == before
    assert "model.pth" in pushed.head(REPO, "feature/x")
    assert zoo("pull", f"{REPO}@feature/x", "--json").json["revision"] == "feature/x"


@pytest.mark.parametrize(
    ("message", "summary", "description"),
    [
        ("a trial", "a trial", ""),
        ("a trial\n\nof two\nlines\n", "a trial", "of two\nlines"),
        (" \n", "mlp, pushed by zoo", ""),
    ],
)
def test_a_message_is_the_commit_s(hub, run, message, summary, description):
    """Its first line sums up, what follows describes."""
    zoo("push", "mlp", REPO, "--message", message)
    (body,) = [entry[4] for entry in hub.log if "/commit/" in entry[1]]
    header = json.loads(body.splitlines()[0])["value"]
    assert (header["summary"], header["description"]) == (summary, description)


def test_a_dry_run_tells_what_a_push_sends(hub, run, online):
    """Each file with its size, to the byte; nobody is asked, and no token is needed."""
    online.delenv("HF_TOKEN")
    said = zoo("push", "mlp", REPO, "--dry-run", "--with-pth")
    facts = zoo("push", "mlp", REPO, "--dry-run", "--with-pth", "--json").json
    assert facts["private"] is True
    assert not hub.log
    online.setenv("HF_TOKEN", WRITER)
    zoo("push", "mlp", REPO, "--with-pth")
    sent = hub.head(REPO)
    assert facts["files"] == {name: len(sent[name]) for name in sorted({*SENT, "model.pth"})}
    for name, size in facts["files"].items():
        assert f"  {name}  {size:,} bytes\n" in said.out


@pytest.mark.parametrize(
    ("repo", "flags"),
    [
        ("digits", ()),
        ("ada/digits/more", ()),
        ("../digits", ()),
        ("ada/..", ()),
        ("ada/digits@main", ()),
        ("ada/digits", ("--revision", "a b")),
        ("ada/digits", ("--revision", "0" * 40)),
        ("ada/digits", ("--timeout", "0")),
    ],
)
def test_what_is_no_place_is_refused_at_once(hub, run, repo, flags):
    """Before anything is sent."""
    zoo("push", "mlp", repo, *flags, code=2)
    assert not hub.log


def test_a_run_without_weights_is_refused(hub, run):
    """And one that does not exist, with the nearest."""
    assert "closest: mlp" in zoo("push", "mpl", REPO, code=2).err
    (run / "model.safetensors").unlink()
    assert "mlp has lost its model.safetensors" in zoo("push", "mlp", REPO, code=2).err


def test_from_python(hub, run):
    """`zoo.push` and `zoo.pull` return what is there."""
    done = api.push(run, REPO, private=False, progress=False)
    assert done.commit == hub.repos[REPO].refs["main"]
    assert not hub.repos[REPO].private
    here = api.pull(REPO, progress=False)
    assert (here.commit, here.changed) == (done.commit, True)
    assert here.weights.read_bytes() == (run / "model.safetensors").read_bytes()
    with pytest.raises(api.ZooError, match="no ada/none"):
        api.pull("ada/none", progress=False)
    with pytest.raises(api.ZooError, match="a branch to push to is given as --revision"):
        api.push(run, f"{REPO}@v1", progress=False)


def test_large_files_are_sent_in_parts(online, run):
    """Where the hub wants it so; what arrives is whole."""
    from loopback import LoopbackHub

    with LoopbackHub(part=100_000) as hub:
        online.setenv("HF_ENDPOINT", hub.url)
        zoo("push", "mlp", REPO)
        assert len(hub.asked("PUT", "/lfs/part/")) == 5
        assert hub.head(REPO)["model.safetensors"] == (run / "model.safetensors").read_bytes()


def test_storage_gets_no_token(pushed, run):
    """It is another host: what gives access to it is in the address."""
    zoo("push", "mlp", REPO, "--with-pth")
    zoo("pull", REPO)
    stored = [entry for entry in pushed.log if re.match("/lfs/(put|get)/", entry[1])]
    assert {entry[0] for entry in stored} == {"PUT", "GET"}
    assert not [entry for entry in stored if "Authorization" in entry[2]]


def test_a_training_is_pushed_once_it_is_stored(hub):
    """As a step of its own; with --json, a line more."""
    said = zoo("train", "mlp", "--dataset", "digits", "--epochs", 1, "--push", REPO, "--json")
    last = json.loads(said.out.splitlines()[-1])
    assert last["pushed"] == "mlp-digits-1"
    assert last["commit"] == hub.repos[REPO].refs["main"]
    assert tomllib.loads(hub.head(REPO)["recipe.toml"].decode())["epochs"] == 1


def test_a_training_that_was_stopped_is_not_pushed(hub, online):
    """It is to go on, and to be pushed when it has ended."""
    online.setattr("zoo.cli._training.train", _stopped)
    online.setenv("HF_HUB_OFFLINE", "1")
    said = zoo("train", "mlp", "--dataset", "digits", "--push", REPO, "--name", "lp", code=130)
    assert "HF_HUB_OFFLINE is set: nothing is asked of 127.0.0.1" in said.err
    assert f"Unset it to write to {REPO}.\n" in said.err
    assert f"not pushed; once the run has ended: zoo push lp {REPO}\n" in said.err
    assert not hub.log


def test_of_a_run_that_was_stopped_the_push_says_so(hub, run):
    """Its weights are those so far: it can be gone on with, and pushed again."""
    record = run / "run.json"
    record.write_text(seal({**unseal(record.read_bytes()), "state": "stopped"}), encoding="utf-8")
    for flags in (["--dry-run"], []):
        said = zoo("push", "mlp", REPO, *flags)
        assert "the training of mlp is stopped: the weights are those so far\n" in said.err


def _stopped(*_arguments):
    raise Stopped("stopped by Ctrl-C", exit_code=130)


def test_a_machine_that_is_slow_to_ask_is_no_reason(hub, online, clock):
    """Before a training, nothing is said of a push but what is known to fail."""
    online.setattr("zoo.cli._push_after._ASK_SECONDS", 1e-6)
    said = zoo("train", "mlp", "--dataset", "digits", "--epochs", 1, "--push", REPO)
    assert "will fail" not in said.err
    assert hub.repos[REPO].refs["main"] in said.out


def test_a_failed_push_does_not_fail_the_training(hub, online):
    """It is told of before, and in the end; the run is done, the exit code that of the push."""
    online.delenv("HF_TOKEN")
    said = zoo("train", "mlp", "--dataset", "digits", "--epochs", 1, "--push", REPO, code=1)
    assert "the push after the training will fail: there is no token" in said.err
    assert "mlp-digits-1 is trained and stored; to push it: zoo push mlp-digits-1" in said.err
    assert [(run.name, run.state) for run in api.list_runs()] == [("mlp-digits-1", "done")]
    assert not hub.log
    zoo("train", "mlp", "--dataset", "digits", "--push", "digits", code=2)
    said = zoo("train", "mlp", "--dataset", "digits", "--push", f"{REPO}@b", code=2)
    assert "--push takes no branch; train, then zoo push RUN" in said.err
    assert len(api.list_runs()) == 1


def test_a_reader_is_refused_before_a_byte_is_sent(hub, run, online):
    """The line says that it is the token's right."""
    hub.add(REPO, {"README.md": b""}, private=True)
    online.setenv("HF_TOKEN", READER)
    said = zoo("push", "mlp", REPO, code=1)
    assert "not pushed: the token has no right to write to ada/digits" in said.err
    assert not hub.asked("PUT")
    assert os.environ["HF_TOKEN"] == READER
