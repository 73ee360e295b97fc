"""Pulling a model: compared to the last byte, pinned, and usable when the hub is not."""

import contextlib
import os
import shutil
import subprocess
import sys
import tomllib

import pytest
import torch
from hub_commands import REPO, copies, zoo
from loopback import READER, STRANGER

import zoo as api
from zoo.home import runs_dir


@pytest.fixture
def away(pushed):
    """The hub has the model, and the run is not here any more."""
    shutil.rmtree(runs_dir())
    return pushed


def test_a_model_is_pulled_by_its_commit(away):
    """All but pickles; the commit is printed, and what is used from then on."""
    commit = away.repos[REPO].refs["main"]
    said = zoo("pull", REPO)
    assert f"pulled {REPO}, commit {commit}\n" in said.out
    (folder,) = [path for path in copies() if path.endswith(commit)]
    assert folder == f"ada--digits/{commit}"
    files = away.head(REPO)
    here = api.pull(REPO, progress=False)
    assert here.changed is False
    held = {path.name: path.read_bytes() for path in here.path.iterdir()}
    assert b"sha256" in held.pop("zoo-copy.json")
    assert held == {name: files[name] for name in files if name != ".gitattributes"}


def test_pickles_stay_where_they_are(pushed):
    """Also where zoo itself has sent one."""
    zoo("push", "mlp", REPO, "--with-pth")
    here = api.pull(REPO, progress=False)
    assert not (here.path / "model.pth").exists()
    assert not pushed.asked(path="resolve/.*/model.pth")


def test_a_hub_s_model_stands_wherever_a_run_can(away, image, tmp_path):
    """predict, eval, info, convert, --weights, load_model; the commit is told of."""
    commit, name = away.repos[REPO].refs["main"], f"hf:{REPO}"
    assert f"{name} is commit {commit}" in zoo("predict", name, image).err
    assert zoo("eval", name, "--json").json["metrics"]["accuracy"] > 0.8
    assert zoo("info", name, "--json").json["card"]["model"] == "vision/mlp"
    zoo("convert", name, "-o", tmp_path / "out.pth")
    assert (tmp_path / "out.pth").is_file()
    net = api.load_model(f"{name}@{commit}")
    assert isinstance(net, torch.nn.Module)
    assert not net.training
    zoo("train", "mlp", "--dataset", "digits", "--epochs", 1, "--weights", name, "--name", "on")
    recipe = tomllib.loads((runs_dir() / "on" / "recipe.toml").read_text("utf-8"))
    assert recipe["weights"] == f"{name}@{commit}"
    assert api.list_runs()[0].record["parent"] is None


def test_a_commit_that_is_here_is_used_without_asking(away, image):
    """It never comes to mean another."""
    here = api.pull(REPO, progress=False)
    away.log.clear()
    zoo("predict", f"hf:{REPO}@{here.commit}", image)
    assert not away.log


def test_a_branch_is_followed(away, image):
    """What was pushed since is fetched; the older commit stays."""
    first = api.pull(REPO, progress=False)
    shutil.copytree(first.path, runs_dir() / "unused")
    away.add(REPO, {"README.md": b"changed by hand"})
    zoo("predict", f"hf:{REPO}", image)
    assert len(copies()) == 3, "two commits, and what names mean"
    assert (first.path / "model.safetensors").is_file()


def test_a_card_that_was_written_on_is_no_damage(away):
    """Prose is its users' own: it is compared with the hub's list only."""
    away.add(REPO, {"README.md": b"# mine"})
    assert (api.pull(REPO, progress=False).path / "README.md").read_bytes() == b"# mine"


def test_many_files_come_page_by_page(away):
    """A list has an end only where the hub says so."""
    away.page = 2
    api.pull(REPO, progress=False)
    assert len(away.asked("GET", "/tree/")) == 4


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "manifest.json"])
def test_a_flipped_byte_is_noticed(away, name):
    """The client looks at the size alone. Nothing of it is kept, and nothing was read."""
    path = "/lfs/get/" if name == "model.safetensors" else f"resolve/.*/{name}"
    away.fault("GET", path, "flip", times=9)
    said = zoo("pull", REPO, code=1)
    assert f"{'curves.png' if path == '/lfs/get/' else name} did not arrive" in said.err
    assert not copies()
    away.faults.clear()
    zoo("pull", REPO)


@pytest.mark.parametrize("name", ["model.safetensors", "recipe.toml"])
def test_what_the_manifest_does_not_list_so_is_refused(away, name):
    """Somebody has put other weights there, or another recipe, and not the manifest for them."""
    away.add(REPO, {name: away.head(REPO)[name] + b" "})
    said = zoo("pull", REPO, code=1)
    assert f"{name} of ada/digits is not the one that its manifest.json lists" in said.err
    assert not copies()
    assert not away.asked("GET", "resolve/.*/model.safetensors")


def test_a_manifest_that_was_altered_is_refused(away):
    """Its digest is in it."""
    text = away.head(REPO)["manifest.json"].replace(b'"format": 1', b'"format": 2')
    away.add(REPO, {"manifest.json": text})
    assert "manifest.json is not what zoo wrote" in zoo("pull", REPO, code=1).err


@pytest.mark.parametrize("do", ["fin", "rst", 503, "cut"])
def test_a_download_that_breaks_off_is_done_again(away, do):
    """The client goes on after an end that is early, and gives up on the others."""
    away.fault("GET", "/lfs/get/", do, skip=1)
    here = api.pull(REPO, progress=False)
    assert here.weights.read_bytes() == away.head(REPO)["model.safetensors"]


def test_a_download_that_stands_still_is_given_up(away, online):
    """Without bytes for a while, it is begun anew; and all of it has an end."""
    online.setattr("zoo.hub._client.ASKING", 1.0)
    away.fault("GET", "/lfs/get/", "hang", skip=1)
    zoo("pull", REPO)
    shutil.rmtree(api.pull(REPO, progress=False).path)
    online.setattr("zoo.hub._client.ASKING", 0.3)
    away.fault("GET", "/lfs/get/", "stall", times=9)
    assert "says nothing" in zoo("pull", REPO, code=1).err
    online.setattr("zoo.hub._client.ASKING", 60.0)
    assert "the time is over" in zoo("pull", REPO, "--timeout", 1, code=1).err


def test_an_update_that_fails_leaves_the_copy_from_before(away, image):
    """`pull` says that it failed, and what is here; `hf:` uses it, and says so. Offline, too."""
    before = api.pull(REPO, progress=False)
    away.add(REPO, {"README.md": b"newer"})
    away.fault("GET", "resolve/.*/README.md", 503, times=99)
    said = zoo("pull", REPO, code=1)
    assert f"is still here: hf:{REPO}@{before.commit}" in said.err
    said = zoo("predict", f"hf:{REPO}", image)
    assert "warning:" in said.err
    assert "Meanwhile the copy from 2" in said.err
    assert f"hf:{REPO} is commit {before.commit}" in said.err


def test_offline_the_last_copy_is_used(away, online, image):
    """Without a word of warning: it was asked for."""
    before = api.pull(REPO, progress=False)
    away.log.clear()
    online.setenv("HF_HUB_OFFLINE", "1")
    said = zoo("predict", f"hf:{REPO}", image)
    assert "warning" not in said.err
    assert before.commit in said.err
    assert "HF_HUB_OFFLINE is set" in zoo("pull", REPO, code=1).err
    assert "is not on this machine" in zoo("predict", "hf:ada/other", image, code=1).err
    assert not away.log


def test_a_closed_port_is_no_reason_not_to_predict(away, image):
    """The copy is used, and the line says why."""
    api.pull(REPO, progress=False)
    away.shutdown()
    away.server_close()
    assert "can't be reached" in zoo("predict", f"hf:{REPO}", image).err
    assert "can't be reached" in zoo("pull", REPO, code=1).err


def test_a_copy_that_was_damaged_is_fetched_again(away):
    """`zoo pull` compares what is here, too."""
    here = api.pull(REPO, progress=False)
    data = here.weights.read_bytes()
    here.weights.write_bytes(data[:-1] + b"\0")
    assert api.pull(REPO, progress=False).changed is True
    assert here.weights.read_bytes() == data


def test_what_is_not_there(away, online, image):
    """No repository, no revision: exit code 2, and what to look at."""
    assert "no ada/none on 127.0.0.1" in zoo("pull", "ada/none", code=2).err
    assert "no branch, tag or commit v9" in zoo("pull", f"{REPO}@v9", code=2).err
    assert "written with all of its 40 digits" in zoo("pull", f"{REPO}@4d541e3", code=2).err
    assert "no ada/none" in zoo("predict", "hf:ada/none", image, code=2).err
    online.delenv("HF_TOKEN")
    assert "no token of yours opens" in zoo("pull", REPO, code=2).err
    away.repos[REPO].private = False
    zoo("pull", REPO)
    online.setenv("HF_TOKEN", STRANGER)
    assert "does not know the token" in zoo("pull", REPO, code=1).err
    online.setenv("HF_TOKEN", READER)
    zoo("pull", REPO)


def test_a_gated_repository(away):
    """Its conditions are to be accepted by a person."""
    headers = {"X-Error-Code": "GatedRepo"}
    away.fault("GET", "/revision/", 403, times=9, headers=headers)
    assert "accept its conditions" in zoo("pull", REPO, code=1).err


def test_a_disk_that_is_too_small(away, online):
    """It is said before the download, and nothing is left."""
    free = shutil.disk_usage("/")._replace(free=1000)
    online.setattr("shutil.disk_usage", lambda _path: free)
    said = zoo("pull", REPO, code=1)
    assert "takes 0.4 MB, and 1.0 kB are free" in said.err
    assert not copies()


def test_a_missing_plugin_is_named_with_what_to_install(away, online, image):
    """The model is here; what it needs is said when it comes, and when it is used."""
    online.setenv("ZOO_PLUGINS", "optim")
    from zoo._registry import registry

    registry.cache_clear()
    try:
        pulled = zoo("pull", REPO)
        said = zoo("predict", f"hf:{REPO}", image, code=2)
    finally:
        registry.cache_clear()
    for told in (pulled, said):
        assert "is for vision/mlp of zoo-registry 0.1.0" in told.err
    assert "zoo predict" not in pulled.out


def test_where_only_a_run_will_do_it_is_said(away):
    """What takes a model of a hub is named; a file of it is had by pulling."""
    for line in (["runs", "show"], ["resume"], ["runs", "tag"]):
        more = ["prod"] if line[-1] == "tag" else []
        said = zoo(*line, f"hf:{REPO}", *more, code=2)
        assert f"`zoo info hf:{REPO}` shows it" in said.err
    net = api.load_model(f"hf:{REPO}")
    with pytest.raises(api.ZooError, match="zoo.pull\\('ada/digits'\\).weights is its file"):
        api.load_weights(net, f"hf:{REPO}")
    assert api.load_weights(net, api.pull(REPO, progress=False).weights).loaded


@pytest.mark.skipif(os.name == "nt", reason="POSIX terminals")
def test_a_person_sees_what_is_fetched(away):
    """On a terminal a bar is shown, also where `hf:` stands for what is not here yet."""
    ours, theirs = os.openpty()
    line = [sys.executable, "-m", "zoo", "info", f"hf:{REPO}"]
    environment = os.environ | {"TERM": "vt100"}
    shown = b""
    with subprocess.Popen(
        line, stdout=subprocess.DEVNULL, stderr=theirs, env=environment
    ) as process:
        os.close(theirs)
        with contextlib.suppress(OSError):  # so ends what a terminal says, on Linux
            while part := os.read(ours, 1 << 16):
                shown += part
    os.close(ours)
    assert process.returncode == 0
    assert f"pulling {REPO}".encode() in shown


def test_an_endpoint_that_is_none_is_told_so(away, online):
    """The client can't even begin with it."""
    for address in ("http://[::1", "http://127.0.0.1:99999", "ftp://127.0.0.1", "no address"):
        online.setenv("HF_ENDPOINT", address)
        said = zoo("pull", REPO, code=1).err
        assert f"HF_ENDPOINT is {address!r}, which is no hub's address" in said


def test_a_branch_may_have_a_long_name(away):
    """With slashes in it, as those of people often have."""
    branch = "ada/" * 24 + "last"
    away.repos[REPO].refs[branch] = away.repos[REPO].refs["main"]
    assert f"pulled {REPO}@{branch}, commit" in zoo("pull", f"{REPO}@{branch}").out
    assert f"hf:{REPO}@{branch} is commit" in zoo("eval", f"hf:{REPO}@{branch}").err
    assert f"{REPO}@{branch} is here already, commit" in zoo("pull", f"{REPO}@{branch}").out
    assert api.pull(f"{REPO}@{branch}", progress=False).revision == branch
    assert api.load_model(f"hf:{REPO}@{branch}")
