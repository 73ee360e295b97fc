"""Runs are removed whole, all that were named or none; nothing half removed is ever seen."""

import json
import os
import shutil

import pytest
from made_runs import begun, killed, made, posix, rewrite, start_python, zoo

from zoo.errors import CorruptWeights, UsageError
from zoo.home import home, runs_dir
from zoo.runs import RunWriter, find_run, list_runs, remove_runs, sweep, tag
from zoo.runs._hidden import hidden_name
from zoo.runs._machine import host


def names():
    return [run.name for run in list_runs()]


def everything():
    return sorted(path.name for path in runs_dir().iterdir())


def test_a_removed_run_is_gone_with_all_of_its_files():
    """And its name is free again."""
    run = made("one")
    (run.path / "checkpoints").mkdir()
    made("two")
    remove_runs([run])
    assert everything() == ["two"]
    assert made("one").name == "one"


def test_several_are_removed_or_none():
    """A refusal half way would leave one wondering which are left."""
    runs = [made("one"), made("two"), begun("three").run]
    with pytest.raises(UsageError, match="three is being trained"):
        remove_runs(runs)
    assert sorted(names()) == ["one", "three", "two"]
    remove_runs([*runs[:2], runs[0]])
    assert names() == ["three"]


def test_what_an_alias_means_is_kept():
    """The refusal names all aliases, and how to remove them."""
    run = made("one")
    tag(run, "production")
    tag(run, "best")
    with pytest.raises(UsageError) as refusal:
        remove_runs([made("two"), run], force=True)
    assert "held by best, production" in str(refusal.value)
    assert "`zoo runs untag best`, `zoo runs untag production`" in str(refusal.value)
    assert sorted(names()) == ["one", "two"]


def test_what_a_damaged_alias_means_is_not_known_so_nothing_is_removed():
    """It may be the very run."""
    run = made("one")
    tag(run, "production")
    (home() / "aliases" / "production.json").write_text("{}")
    with pytest.raises(CorruptWeights, match="the alias production is damaged"):
        remove_runs([run])
    assert names() == ["one"]


def test_a_run_recorded_as_running_is_removed_by_force_only():
    """Its machine may be no more."""
    run = begun("one").run
    rewrite(run.path, process={"pid": 1, "started": 1, "host": "other"})
    with pytest.raises(UsageError, match="another machine.*--force"):
        remove_runs([find_run("one")])
    remove_runs([find_run("one")], force=True)
    assert names() == []


@pytest.mark.parametrize("damage", ["no record", "no recipe", "garbage"])
def test_a_damaged_run_can_be_removed(damage):
    """What else would one do with it."""
    run = made("one")
    match damage:
        case "no record":
            (run.path / "run.json").unlink()
        case "no recipe":
            (run.path / "recipe.toml").unlink()
        case "garbage":
            (run.path / "run.json").write_bytes(b"\xff")
    remove_runs([find_run("one")])
    assert everything() == []


def test_a_killed_run_can_be_removed():
    """Nobody is at work on it."""
    remove_runs([killed("one")])
    assert everything() == []


def test_only_runs_of_this_home_are_removed(tmp_path):
    """A folder elsewhere was not made by this registry, and may hold other things."""
    copy = shutil.copytree(made("one").path, tmp_path / "copy")
    with pytest.raises(UsageError, match="not among the runs of this ZOO_HOME"):
        remove_runs([find_run(copy)])
    assert copy.exists()


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_of_a_link_to_a_run_only_the_link_is_removed(tmp_path):
    """Where it leads is elsewhere."""
    elsewhere = made("one").path.rename(tmp_path / "elsewhere")
    (runs_dir() / "one").symlink_to(elsewhere)
    remove_runs([find_run("one")])
    assert everything() == []
    assert (elsewhere / "run.json").exists()


@posix
def test_a_removal_that_is_killed_leaves_nothing_listed():
    """Each run is there whole or not at all; the next removal clears up."""
    code = """
        import sys
        from zoo.runs import find_run, remove_runs

        print("ready", flush=True)
        remove_runs([find_run(f"run-{number}") for number in range(20)])
    """
    for kill in range(4):
        for number in range(20):
            run = made(f"run-{number}") if not (runs_dir() / f"run-{number}").exists() else None
            for file in range(30 if run else 0):
                (run.path / f"file-{file}").write_text("")
        process = start_python(code)
        process.stdout.readline()
        while kill and len(names()) > 20 - 5 * kill:
            pass
        process.kill()
        process.communicate()
        assert {run.state for run in list_runs()} <= {"done"}
        assert all((run.path / "file-29").exists() for run in list_runs())
    remove_runs(list_runs())
    assert everything() == []


class TestSweeping:
    """What nobody goes on with is deleted, and nothing else."""

    @staticmethod
    def dead():
        """The number of a process that has ended."""
        return killed("gone").record["process"]["pid"]

    def test_what_a_dead_process_of_this_machine_left_is_deleted(self):
        dead = self.dead()
        left = runs_dir() / f".one.{host()}.{dead}.0123abcd.partial"
        left.mkdir()
        (left / "recipe.toml").write_text("")
        assert sweep() == [left]
        assert everything() == ["gone"]

    @pytest.mark.parametrize(
        "name",
        [
            ".one.{host}.{alive}.0123abcd.partial",
            ".one.0123456789ab.{dead}.0123abcd.partial",
            ".one.{host}.{dead}.0123abcd",
            "one.{host}.{dead}.0123abcd.partial",
            ".one.{host}.{dead}.partial",
            ".one.{host}.x.0123abcd.partial",
        ],
    )
    def test_what_may_be_anothers_is_kept(self, name):
        name = name.format(host=host(), alive=os.getpid(), dead=self.dead())
        (runs_dir() / name).mkdir()
        assert sweep() == []
        assert (runs_dir() / name).exists()

    def test_a_new_run_and_a_removal_clear_up(self):
        dead = self.dead()
        for clear in (lambda: begun("new"), lambda: remove_runs([find_run("gone")])):
            (runs_dir() / f".x.{host()}.{dead}.0123abcd.partial").mkdir()
            clear()
            assert not list(runs_dir().glob(".*"))

    def test_without_a_folder_there_is_nothing_to_sweep(self, tmp_path):
        assert sweep() == []
        assert sweep(tmp_path / "none") == []

    def test_a_link_is_not_followed(self, tmp_path):
        dead = self.dead()
        (tmp_path / f".x.{dead}.0123abcd.partial").write_text("")
        folder = tmp_path / "run"
        folder.mkdir()
        try:
            (folder / "link").symlink_to(tmp_path)
            (folder / f".y.{dead}.0123abcd.partial").symlink_to(tmp_path)
        except OSError:
            pytest.skip("links need a privilege here")
        sweep(folder)
        assert [path.name for path in folder.iterdir()] == ["link"]
        assert (tmp_path / f".x.{dead}.0123abcd.partial").exists()

    def test_a_hidden_name_fits_and_says_whose_it_is(self):
        name = hidden_name("x" * 100)
        assert len(name) < 200
        (runs_dir()).mkdir(parents=True)
        (runs_dir() / name).mkdir()
        assert sweep() == []


class TestCommand:
    """`zoo runs rm`."""

    def test_it_says_what_it_removed(self):
        for name in ("one", "two", "three"):
            made(name)
        assert zoo("runs", "rm", "one", "two") == "removed one, two\n"
        assert json.loads(zoo("runs", "rm", "three", "three", "--json")) == {"removed": ["three"]}
        assert names() == []

    def test_a_refusal_names_the_alias_and_exits_with_2(self):
        tag(made("one"), "production")
        assert "zoo runs untag production" in zoo("runs", "rm", "one", code=2)
        assert "zoo runs untag production" in zoo("runs", "rm", "@production", code=2)
        zoo("runs", "untag", "production")
        zoo("runs", "rm", "one")
        assert names() == []

    def test_what_is_running_is_refused_and_forced(self):
        begun("one")
        assert f"process {os.getpid()}" in zoo("runs", "rm", "one", code=2)
        zoo("runs", "rm", "one", "--force")
        assert names() == []

    def test_an_unknown_run_is_answered(self):
        made("one")
        assert "no run 'on'" in zoo("runs", "rm", "one", "on", code=2)
        assert names() == ["one"]


def test_a_trainer_whose_run_is_removed_by_force_fails_with_its_path():
    """It can't store what it has computed."""
    writer: RunWriter = begun("one")
    remove_runs([writer.run], force=True)
    with pytest.raises(Exception, match="one"):
        writer.append_metrics({"epoch": 1})
