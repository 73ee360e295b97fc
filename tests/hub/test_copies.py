"""Copies on this machine: whole or not there, of one hub, and compared before they are used."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest
from hub_commands import REPO, copies, zoo
from loopback import LoopbackHub

import zoo as api
from zoo.home import home
from zoo.hub._place import host, hub_key
from zoo.runs._machine import host as machine

WEIGHTS = "model.safetensors"


def flip(file):
    """Damage a file in its middle, and leave its size and time as they were."""
    data, times = bytearray(file.read_bytes()), file.stat()
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


def pulling(*arguments):
    """Begin `zoo pull` in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "zoo", "pull", REPO, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_same_name_on_another_hub_is_another_repository(pushed, online, image):
    """What was pulled from one hub is never used for another, on which nothing is."""
    here = api.pull(REPO, progress=False)
    with LoopbackHub() as other:
        online.setenv("HF_ENDPOINT", other.url)
        assert f"no {REPO} on 127.0.0.1" in zoo("predict", f"hf:{REPO}", image, code=2).err
    said = zoo("predict", f"hf:{REPO}", image, code=1)
    assert "can't be reached" in said.err
    online.setenv("HF_HUB_OFFLINE", "1")
    assert "is not on this machine" in zoo("predict", f"hf:{REPO}", image, code=1).err
    online.setenv("HF_ENDPOINT", pushed.url + "/")
    assert here.commit in zoo("predict", f"hf:{REPO}", image).err


def test_a_password_in_the_endpoint_is_not_shown(monkeypatch):
    """Neither in messages nor in names of folders; and a path tells hubs apart, too."""
    monkeypatch.setenv("HF_ENDPOINT", "https://ada:geheim@Hub.Example:81/models/")
    assert host() == "hub.example:81"
    assert hub_key() == "@hub.example%3A81%2Fmodels"


@pytest.mark.parametrize("name", [WEIGHTS, "config.json", "zoo-copy.json"])
def test_a_damaged_copy_is_never_used(pushed, online, image, name):
    """Offline it is refused, by branch and by commit; with a hub it is fetched again."""
    here = api.pull(REPO, progress=False)
    pinned = f"hf:{REPO}@{here.commit}"
    flip(here.path / name)
    with online.context() as offline:
        offline.setenv("HF_HUB_OFFLINE", "1")
        for source in (f"hf:{REPO}", pinned):
            said = zoo("predict", source, image, code=1)
            assert f"is damaged ({name}: " in said.err
    zoo("predict", pinned, image)
    flip(here.path / name)
    zoo("predict", f"hf:{REPO}", image)
    assert api.pull(REPO, progress=False).changed is False
    assert len(copies()) == 2, "the commit, and what its name means"


@pytest.mark.parametrize("name", [WEIGHTS, "zoo-copy.json"])
def test_a_copy_that_lacks_a_file_is_fetched_again(pushed, name):
    """Whoever cleans up may have taken it."""
    here = api.pull(REPO, progress=False)
    (here.path / name).unlink()
    assert api.pull(f"{REPO}@{here.commit}", progress=False).changed is True
    assert (here.path / name).is_file()


def test_an_update_that_can_t_be_used_leaves_the_copy_from_before(pushed, image):
    """Its owner has pushed what is none of zoo's: `hf:` goes on with the last good one."""
    before = api.pull(REPO, progress=False)
    head = pushed.repos[REPO].refs["main"]
    for name in (WEIGHTS, "manifest.json"):
        del pushed.repos[REPO].commits[head][name]
    pushed.add(REPO, {"README.md": b"moved"})
    said = zoo("pull", REPO, code=2)
    assert f"is still here: hf:{REPO}@{before.commit}" in said.err
    said = zoo("predict", f"hf:{REPO}", image)
    assert "Meanwhile the copy" in said.err
    assert f"hf:{REPO} is commit {before.commit}" in said.err


def test_what_has_not_changed_is_not_fetched_again(pushed):
    """A new card is no new model; where the copy from before is damaged, all of it is."""
    first = api.pull(REPO, progress=False)
    pushed.add(REPO, {"README.md": b"# mine"})
    pushed.log.clear()
    second = api.pull(REPO, progress=False)
    assert second.commit != first.commit
    assert second.weights.read_bytes() == pushed.head(REPO)[WEIGHTS]
    assert not pushed.asked(path="/lfs/get/")
    shutil.rmtree(first.path)
    assert api.pull(REPO, progress=False).changed is False
    flip(second.weights)
    pushed.add(REPO, {"README.md": b"# mine again"})
    third = api.pull(REPO, progress=False)
    assert third.weights.read_bytes() == pushed.head(REPO)[WEIGHTS]
    assert len(pushed.asked(path="/lfs/get/")) == 1


def test_two_that_pull_at_once_both_get_it(pushed):
    """Neither takes the other's files away; nothing is left of what was double."""
    meeting = threading.Barrier(2)
    for _ in range(2):
        pushed.before.append(("/lfs/get/", lambda: meeting.wait(60)))
    both = [pulling(), pulling()]
    for process in both:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        assert f"pulled {REPO}, commit" in out
    assert len(copies()) == 2
    assert api.pull(REPO, progress=False).changed is False


def test_what_a_kill_leaves_is_taken_away_by_the_next(pushed):
    """Nothing is there but what is hidden; what a living process fills stays."""
    pushed.fault("GET", "/lfs/get/", "hang", skip=1)
    killed = pulling()
    while len(pushed.asked("GET", "/lfs/get/")) < 2:
        assert killed.poll() is None
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=60)
    (left,) = copies()
    assert str(killed.pid) in left
    pushed.fault("GET", "/lfs/get/", "hang", skip=1)
    living = pulling()
    while len(pushed.asked("GET", "/lfs/get/")) < 4:
        assert living.poll() is None
        time.sleep(0.02)
    hidden = [name for name in copies() if name.startswith(".")]
    assert [str(living.pid) in name for name in hidden] == [True]
    assert api.pull(REPO, progress=False).changed
    assert [name for name in copies() if name.startswith(".")] == hidden
    living.kill()
    living.communicate(timeout=60)


def test_what_another_machine_fills_stays(pushed):
    """The home may be shared: whether a process of another machine lives is not known here."""
    dead, folder = 2**22 + 1, home() / "hub"
    left = [f".pull.{host}.{dead}.0000000a.partial" for host in (machine(), "f" * 12)]
    for name in left:
        (folder / name).mkdir(parents=True)
    api.pull(REPO, progress=False)
    assert [name for name in copies() if name.startswith(".")] == left[1:]


def test_a_slow_link_is_seen_to_move(pushed):
    """However few bytes come, they are on the disk before more do: nothing is called stalled."""

    class Slow(pushed.RequestHandlerClass):
        def _answer(self, status, value=None, headers=None):
            if not self.path.startswith("/lfs/get/"):
                super()._answer(status, value, headers)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(value)))
            self.end_headers()
            for start in range(0, len(value), part := len(value) // 5):
                self.wfile.write(value[start : start + part])
                end = min(start + part, len(value))
                while end < len(value) and not on_its_way(end):
                    assert not self.server.closing.wait(0.01)

    pushed.RequestHandlerClass = Slow
    assert api.pull(REPO, progress=False).changed


def on_its_way(size):
    """Whether a file of so many bytes is being filled."""
    return size in [path.stat().st_size for path in home().glob("hub/.*/raw/*")]


def test_a_hub_that_says_nothing_is_not_waited_for(pushed, online, image):
    """Where a copy is here, a moment is enough; all of it is told in one line."""
    before = api.pull(REPO, progress=False)
    online.setattr("zoo.hub._pull._ASK_SECONDS", 1.5)
    pushed.fault("GET", "/api/models/", "stall", times=9)
    said = zoo("predict", f"hf:{REPO}", image)
    assert f"did not bring {REPO} in time. Meanwhile the copy" in said.err
    assert f"hf:{REPO} is commit {before.commit}" in said.err


def test_what_broke_off_goes_on_where_it_was(pushed):
    """A link that breaks now and again brings a large file all the same, and no byte twice."""
    for _ in range(8):
        pushed.fault("GET", "/lfs/get/", "fin", skip=1)
    here = api.pull(REPO, progress=False)
    assert here.weights.read_bytes() == pushed.head(REPO)[WEIGHTS]
    ranges = [entry[2].get("Range", "") for entry in pushed.log if "/lfs/get/" in entry[1]]
    starts = [int(text[6:-1]) for text in ranges if text]
    assert starts == sorted(set(starts))
    assert len(starts) > 4


@pytest.mark.skipif(os.name == "nt" or os.getuid() == 0, reason="everything may be written")
def test_a_home_that_can_t_be_written_is_enough_to_use_what_is_there(pushed, image):
    """The names that can't be noted mean what they did."""
    api.pull(REPO, progress=False)
    folders = [path for path in home().rglob("*") if path.is_dir()]
    for folder in folders:
        folder.chmod(0o555)
    try:
        said = zoo("predict", f"hf:{REPO}", image)
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert "warning" not in said.err
