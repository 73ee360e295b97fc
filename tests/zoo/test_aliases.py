"""An alias means one run's weights, keeps what it ever meant, and loses no change."""

import itertools
import json
import os
import sys

import pytest
from made_runs import begun, flip, killed, listed, made, posix, printed_by, start_python, zoo

from zoo._sealed import seal, unseal
from zoo.errors import CorruptWeights, StorageError, UnknownName, UsageError
from zoo.home import home, runs_dir
from zoo.runs import (
    RunWriter,
    aliases_of,
    find_alias,
    find_run,
    list_aliases,
    tag,
    untag,
    weights_file,
)


def file_of(name):
    return home() / "aliases" / f"{name}.json"


def test_an_alias_stands_wherever_a_run_can():
    """By its `@`, which no name of a run has."""
    run = made("one")
    tag(run, "production")
    assert find_run("@production").path == run.path
    assert weights_file("@production") == run.weights
    assert json.loads(zoo("runs", "show", "@production", "--json"))["aliases"] == ["production"]
    assert aliases_of(run) == ["production"]


def test_a_file_here_does_not_take_an_aliases_place(tmp_path, monkeypatch):
    """What stands in the working directory changes no command's meaning."""
    run = made("one")
    tag(run, "production.safetensors")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "@production.safetensors").write_text("other")
    assert weights_file("@production.safetensors") == run.weights
    assert weights_file("./@production.safetensors").read_text() == "other"


def test_an_alias_is_moved_and_its_history_kept():
    """Which run, which weights, and since when."""
    first, second = made("one"), made("two")
    tag(first, "production")
    tag(second, "@production")
    untag("production")
    tag(first, "production")
    alias = find_alias("production")
    assert [change.run for change in alias.history] == ["one", "two", None, "one"]
    assert [change.time for change in alias.history] == sorted(c.time for c in alias.history)
    digests = [run.record["files"]["model.safetensors"]["sha256"] for run in (first, second)]
    assert [change.weights for change in alias.history] == [*digests, None, digests[0]]
    assert find_run("@production").name == "one"


def test_tagging_again_with_the_same_changes_nothing():
    """The history tells of changes."""
    run = made("one")
    before = tag(run, "production")
    assert tag(run, "production") == before
    assert len(before.history) == 1


def test_a_removed_alias_means_nothing_but_is_remembered():
    """Its history can still be asked for."""
    tag(made("one"), "production")
    untag("@production")
    for ask in (find_run, weights_file):
        with pytest.raises(UnknownName, match="was removed on"):
            ask("@production")
    with pytest.raises(UnknownName, match="was removed"):
        untag("production")
    (alias,) = list_aliases()
    assert (alias.run, len(alias.history)) == (None, 2)
    assert listed("--tagged") == []


def test_an_unknown_alias_is_answered_with_the_nearest():
    """And the command that shows all."""
    tag(made("one"), "production")
    with pytest.raises(UnknownName, match=r"no alias 'prodution'; closest: production.*aliases"):
        find_run("@prodution")


def test_an_alias_to_a_run_that_is_gone_says_so():
    """Whoever removed the folder did not ask."""
    run = made("one")
    tag(run, "production")
    run.path.rename(run.path.with_name("two"))
    for ask in (find_run, weights_file):
        with pytest.raises(UnknownName, match="means the run one, which is gone.*untag production"):
            ask("@production")
    assert "gone" in zoo("runs", "aliases")


def test_an_alias_to_a_damaged_run_says_so():
    """Its weights may be whole, but nobody can tell."""
    run = made("one")
    tag(run, "production")
    flip(run.path / "run.json", 2000)
    assert find_run("@production").state == "damaged"
    with pytest.raises(CorruptWeights, match="its bytes have changed"):
        weights_file("@production")


def test_an_alias_means_the_weights_it_was_given_and_no_others():
    """A record that was replaced together with its weights is another version of the run."""
    run = made("one")
    tag(run, "production")
    run.path.rename(run.path.with_name(".old"))
    made("one", weights="of another training")
    with pytest.raises(CorruptWeights, match="other weights.*`zoo runs tag one production`"):
        weights_file("@production")
    tag(find_run("one"), "production")
    assert weights_file("@production").read_text() == "of another training"


@pytest.mark.parametrize("state", ["done", "stopped", "failed", "killed"])
def test_whatever_has_ended_with_weights_can_be_tagged(state):
    """A stopped run may be the best there is."""
    run = killed("one") if state == "killed" else made("one", state)
    assert tag(run, "best").run == "one"
    assert weights_file("@best") == run.weights


def test_what_has_no_settled_weights_cannot_be_tagged(tmp_path):
    """They would change, or there are none, or they are not what was stored."""
    with pytest.raises(UsageError, match="is being trained"):
        tag(begun("running").run, "best")
    with pytest.raises(UsageError, match="no weights to tag"):
        tag(begun("empty").finish("failed"), "best")
    altered = made("altered")
    altered.weights.write_text("xx altered")
    with pytest.raises(CorruptWeights, match=r"model\.safetensors"):
        tag(altered, "best")
    moved = made("moved").path.rename(tmp_path / "moved")
    with pytest.raises(UsageError, match="not among the runs of this ZOO_HOME"):
        tag(find_run(moved), "best")
    gone = made("gone")
    gone.path.rename(tmp_path / "gone")
    with pytest.raises(UnknownName, match="the run gone is gone"):
        tag(gone, "best")
    assert list_aliases() == []


@pytest.mark.parametrize("name", ["", "@", "a/b", "../a", ".a", "a b", "con", "x" * 101, "a\0"])
def test_names_that_are_no_files_everywhere_are_refused(name):
    """With one that would do."""
    with pytest.raises(UsageError, match="'production'"):
        tag(made("one"), name)
    assert not (home() / "aliases").exists()


def test_capitals_make_no_second_alias():
    """Some systems keep one file for both."""
    run = made("one")
    tag(run, "Production")
    assert tag(made("two"), "production").name == "Production"
    assert find_run("@PRODUCTION").name == "two"
    assert [alias.name for alias in list_aliases()] == ["Production"]


def test_every_flipped_bit_and_every_cut_of_an_alias_is_noticed():
    """It says which weights are in production."""
    tag(made("one"), "production")
    file = file_of("production")
    whole = file.read_bytes()
    for bit in range(0, 8 * len(whole), 3):
        flip(file, bit)
        with pytest.raises(CorruptWeights, match="the alias production is damaged"):
            find_alias("production")
        file.write_bytes(whole)
    for length in range(0, len(whole), 7):
        file.write_bytes(whole[:length])
        assert list_aliases()[0].fault
    file.write_bytes(whole)
    assert find_alias("production").run == "one"


DAMAGES = {
    "not sealed": lambda file: file.write_text("{}"),
    "of another alias": lambda file: file.write_text(
        seal({**unseal(file.read_bytes()), "alias": "x"})
    ),
    "without history": lambda file: file.write_text(seal({"alias": "production"})),
    "of odd changes": lambda file: file.write_text(
        seal({"alias": "production", "history": [{"odd": 1}]})
    ),
    "a folder": lambda file: [file.unlink(), file.mkdir()],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_alias_is_named_and_never_written_over(damage):
    """Its history would be lost; all other aliases work on."""
    run = made("one")
    tag(run, "production")
    tag(run, "staging")
    DAMAGES[damage](file_of("production"))
    with pytest.raises(CorruptWeights, match="the alias production is damaged"):
        tag(run, "production")
    with pytest.raises(CorruptWeights, match="take it away"):
        untag("production")
    assert find_run("@staging").name == "one"
    assert [bool(alias.fault) for alias in list_aliases()] == [True, False]
    assert listed("--tagged") == ["one"]


def test_of_many_taggers_at_once_none_loses_a_change():
    """Each change is in the history, once, and the last one holds."""
    for number in range(4):
        made(f"run-{number}")
    code = """
        import sys
        from zoo.runs import find_run, tag

        run = find_run(sys.argv[1])
        print("ready", flush=True)
        sys.stdin.readline()
        for number in range(10):
            tag(run, "production")
            tag(run, f"own-{sys.argv[1]}-{number}")
    """
    processes = [start_python(code, f"run-{number}") for number in range(4)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        printed_by(process)
    history = find_alias("production").history
    assert {change.run for change in history} == {f"run-{number}" for number in range(4)}
    assert all(a.run != b.run for a, b in itertools.pairwise(history))
    assert len(list_aliases()) == 41
    assert [change.time for change in history] == sorted(change.time for change in history)


@posix
def test_a_killed_tagger_leaves_the_old_history_or_the_new_one():
    """And nothing that stops or confuses the next; a dead one holds no lock."""
    run = made("one")
    code = """
        from zoo.runs import find_run, tag, untag

        while True:
            tag(find_run("one"), "production")
            print("tagged", flush=True)
            untag("production")
    """
    for kill in range(6):
        process = start_python(code)
        for _ in range(1 + kill % 3):
            assert process.stdout.readline() == "tagged\n"
        process.kill()
        process.communicate()
        (alias,) = list_aliases()
        assert not alias.fault
        assert len(alias.history) > kill
    tag(run, "production")
    assert find_run("@production").name == "one"
    assert [file.name for file in file_of("production").parent.iterdir()] == ["production.json"]


def test_a_reader_always_sees_an_alias_that_means_something():
    """While it is moved over and over, it is never gone."""
    runs = [made("one"), made("two")]
    tag(runs[0], "production")
    code = """
        from zoo.runs import weights_file

        print("ready", flush=True)
        print({weights_file("@production").parent.name for _ in range(100)} <= {"one", "two"})
    """
    process = start_python(code)
    process.stdout.readline()
    moves = 0
    while process.poll() is None:
        moves += 1
        tag(runs[moves % 2], "production")
    assert printed_by(process).strip() == "True"
    assert moves > 3


def test_someone_who_keeps_the_lock_is_named(monkeypatch):
    """Rather than waited for without end."""
    run = made("one")
    code = """
        import sys
        from zoo.runs._lock import registry_lock

        with registry_lock():
            print("locked", flush=True)
            sys.stdin.read()
    """
    process = start_python(code)
    assert process.stdout.readline() == "locked\n"
    monkeypatch.setattr("zoo.runs._lock.PATIENCE", 0.1)
    with pytest.raises(StorageError, match="another zoo process has held"):
        tag(run, "production")
    process.kill()
    process.communicate()
    assert tag(run, "production").run == "one"


def test_a_home_that_takes_no_lock_is_named():
    """With the remedy."""
    run = made("one")
    (home() / "lock").mkdir(parents=True)
    with pytest.raises(StorageError, match="ZOO_HOME"):
        tag(run, "production")


def test_a_run_that_an_alias_means_is_not_gone_on_with():
    """Its weights would become others under the same alias."""
    run = made("one", "stopped")
    tag(run, "production")
    with pytest.raises(UsageError, match="held by production.*`zoo runs untag production`"):
        RunWriter.reopen(run, 0)
    assert find_run("one").state == "stopped"


class TestCommands:
    """`tag`, `untag` and `aliases`, as they are typed."""

    def test_tag_says_what_the_alias_was(self):
        made("one")
        made("two")
        assert zoo("runs", "tag", "one", "production") == "@production is one\n"
        assert zoo("runs", "tag", "two", "production") == "@production is two (it was one)\n"
        assert zoo("runs", "untag", "production") == "@production is no more (it was two)\n"

    def test_aliases_are_listed_with_what_they_mean(self):
        assert zoo("runs", "aliases") == ""
        made("one")
        digest = zoo("runs", "tag", "one", "production", "--json")
        digest = json.loads(digest)["weights"]
        header, line = zoo("runs", "aliases").splitlines()
        assert header.split() == ["ALIAS", "RUN", "SINCE", "WEIGHTS"]
        assert line.split()[:2] == ["production", "one"]
        assert line.split()[3] == digest[:12]

    def test_the_history_is_shown_newest_first(self):
        made("one")
        for command in (("tag", "one"), ("untag",), ("tag", "one")):
            zoo("runs", *command, "production")
        lines = zoo("runs", "aliases", "@production").splitlines()[1:]
        assert [line.split()[1] for line in lines] == ["one", "(removed)", "one"]
        (shown,) = json.loads(zoo("runs", "aliases", "production", "--json"))
        assert [change["run"] for change in shown["history"]] == ["one", None, "one"]
        assert shown["run"] == "one"

    def test_a_damaged_alias_is_listed_with_its_fault(self):
        made("one")
        zoo("runs", "tag", "one", "production")
        file_of("production").write_text("{}")
        (shown,) = json.loads(zoo("runs", "aliases", "--json"))
        assert (shown["alias"], shown["run"], bool(shown["fault"])) == ("production", None, True)
        assert zoo("runs", "aliases") == ""

    @pytest.mark.parametrize(
        ("asked", "hint"),
        [
            (("tag", "nothing", "production"), "no run 'nothing'"),
            (("tag", "one", "a/b"), "can't be called"),
            (("untag", "nothing"), "no alias 'nothing'"),
            (("aliases", "nothing"), "no alias 'nothing'"),
            (("show", "@nothing"), "no alias 'nothing'"),
        ],
    )
    def test_a_mistake_is_answered(self, asked, hint):
        made("one")
        assert hint in zoo("runs", *asked, code=2)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write anywhere")
def test_aliases_that_cannot_be_written_say_so():
    """The folder is another's."""
    run = made("one")
    tag(run, "production")
    file_of("production").parent.chmod(0o500)
    try:
        with pytest.raises(StorageError, match="production"):
            tag(made("two"), "production")
    finally:
        file_of("production").parent.chmod(0o700)
    assert runs_dir().exists()
