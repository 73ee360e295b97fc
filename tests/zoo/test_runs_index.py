"""The list of runs says what the folders say, whatever has become of its index."""

import os
import random
import shutil
import sqlite3
from contextlib import closing

import pytest
from made_runs import begun, flip, killed, made, posix, printed_by, rewrite, start_python

from zoo.home import home, runs_dir
from zoo.runs import find_run, list_runs, open_run, remove_runs, summaries, summary_of
from zoo.runs._index import recall, remember
from zoo.runs._summary import _stamps


def index():
    return home() / "index.sqlite"


def remembered():
    """The names in the index."""
    with closing(sqlite3.connect(index())) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM runs")}


def expected():
    """What the folders themselves say."""
    return [summary_of(open_run(run.path, with_recipe=False)) for run in list_runs()]


@pytest.fixture
def settled(monkeypatch):
    """Files count as left alone at once: times of change, unlike others, can't be set back."""
    monkeypatch.setattr("zoo.runs._summary._SETTLED", -(10**12))


@pytest.fixture
def three(settled):
    """Three runs in an index."""
    for name in ("a", "b", "c"):
        made(name, metrics={"accuracy": 0.5, "loss": None}, parameters=7)
    assert summaries() == expected()
    assert remembered() == {"a", "b", "c"}


def test_a_list_says_what_the_folders_say(settled):
    """Whatever state a run is in; at first, and when it is remembered."""
    for state in ("done", "stopped", "failed"):
        made(state, state, metrics={"accuracy": 0.5})
    begun("running")
    killed("killed")
    begun("damaged").path.joinpath("run.json").write_text("{}")
    begun("no-record").path.joinpath("run.json").unlink()
    for _ in range(3):
        found = summaries()
        assert found == expected()
        assert {row.name: row.state for row in found} == {
            **{name: name for name in ("done", "stopped", "failed", "running", "killed")},
            "damaged": "damaged",
            "no-record": "damaged",
        }
    assert remembered() == {"done", "stopped", "failed", "running", "killed"}


def test_without_runs_nothing_is_made():
    """Looking leaves no trace."""
    assert summaries() == []
    assert not home().exists()


@pytest.mark.usefixtures("three")
def test_what_is_remembered_is_not_read_again():
    """Ten thousand files would take seconds: what the index says is taken for it."""
    stamp = _stamps(runs_dir())["b"]
    known, _ = recall(index(), {"b": stamp})
    remember(index(), {"b": (stamp, known["b"].replace(b"0.5", b"0.7"))}, [])
    assert {row.name: row.metrics["accuracy"] for row in summaries()} == {
        "a": 0.5,
        "b": 0.7,
        "c": 0.5,
    }


CHANGES = {
    "updated": lambda path: rewrite(path, metrics={"accuracy": 0.75}),
    "damaged": lambda path: flip(path / "run.json", 999),
    "record gone": lambda path: (path / "run.json").unlink(),
    "removed": shutil.rmtree,
    "renamed": lambda path: path.rename(path.with_name("other")),
    "swapped": lambda path: [
        path.rename(path.with_name("x")),
        path.with_name("b").rename(path),
        path.with_name("x").rename(path.with_name("b")),
    ],
    "copied": lambda path: shutil.copytree(path, path.with_name("other")),
    "a new one": lambda _: made("new"),
}


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("change", CHANGES)
def test_what_changed_since_is_read_again(change):
    """Also where size and times were put back to what they were."""
    record = runs_dir() / "a" / "run.json"
    times = record.stat()
    CHANGES[change](runs_dir() / "a")
    if record.exists():
        os.utime(record, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert summaries() == expected()
    assert summaries() == expected()


@pytest.mark.usefixtures("three")
def test_a_list_looks_at_records_alone():
    """A damaged recipe is found out by whoever uses the run, with the index and without."""
    flip(runs_dir() / "a" / "recipe.toml", 9)
    for _ in range(2):
        assert {row.name: row.state for row in summaries()} == dict.fromkeys("abc", "done")
        assert find_run("a").state == "damaged"
        index().unlink(missing_ok=True)


@pytest.mark.usefixtures("three")
def test_a_run_that_was_running_when_it_was_remembered_is_looked_after(tmp_path):
    """Its process may have died since, which changes no file."""
    code = """
        import sys
        from zoo.runs import RunWriter

        RunWriter.create("alive", "", 'model = "a"', {})
        print("ready", flush=True)
        sys.stdin.read()
    """
    process = start_python(code)
    assert process.stdout.readline() == "ready\n"
    for _ in range(2):
        assert {row.name: row.state for row in summaries()}["alive"] == "running"
    assert "alive" in remembered()
    process.kill()
    process.communicate()
    assert {row.name: row.state for row in summaries()}["alive"] == "killed"


def test_what_was_just_written_is_not_remembered_yet():
    """Written twice within a tick of the file system's clock, two versions may look the same."""
    made("fresh")
    assert summaries() == expected()
    assert not index().exists() or remembered() == set()


def overwrite(data):
    return lambda file: file.write_bytes(data)


def execute(*statements):
    def change(file):
        with closing(sqlite3.connect(file, isolation_level=None)) as connection:
            for statement in statements:
                connection.execute(statement)

    return change


DAMAGES = {
    "gone": lambda file: file.unlink(),
    "empty": overwrite(b""),
    "no database": overwrite(b"not a database, but long enough to be read as one " * 100),
    "cut": lambda file: os.truncate(file, file.stat().st_size // 2),
    "zeros": lambda file: overwrite(bytes(file.stat().st_size))(file),
    "of an older version": execute("PRAGMA user_version = 0"),
    "of a newer version": execute("PRAGMA user_version = 99", "DROP TABLE runs"),
    "no table": execute("DROP TABLE runs"),
    "another table": execute("DROP TABLE runs", "CREATE TABLE runs (name, other)"),
    "rows lost": execute("DELETE FROM runs WHERE name <> 'b'"),
    "rows of nobody": execute("INSERT INTO runs VALUES ('nobody', x'00', x'00', 1)"),
    "rows of nothing": execute("UPDATE runs SET body = NULL, stamp = 3"),
    "texts for bytes": execute("UPDATE runs SET body = CAST(x'ff' AS TEXT)"),
    "rows of others": execute("UPDATE runs SET body = (SELECT body FROM runs WHERE name = 'c')"),
}


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_index_changes_no_answer_and_is_made_anew(damage):
    """It is worth nothing but time."""
    made("d", metrics={"accuracy": 0.25})
    DAMAGES[damage](index())
    assert summaries() == expected()
    assert summaries() == expected()
    assert remembered() - {"nobody"} == {"a", "b", "c", "d"}


@pytest.mark.usefixtures("three")
def test_no_flipped_bit_in_the_index_changes_an_answer():
    """SQLite itself would not notice most of them."""
    whole, drawn = index().read_bytes(), random.Random(0)
    for _ in range(200):
        index().write_bytes(whole)
        flip(index(), drawn.randrange(8 * len(whole)))
        assert summaries() == expected()


@pytest.mark.parametrize("obstacle", ["a folder", "a link to nowhere"])
def test_an_index_that_cannot_be_written_changes_no_answer(settled, obstacle):
    """Whatever stands in its place."""
    made("a")
    if obstacle == "a folder":
        index().mkdir()
    else:
        index().symlink_to(home() / "none" / "index.sqlite")
    for _ in range(2):
        assert summaries() == expected()


@posix
def test_on_a_full_disk_the_list_is_as_long(settled):
    """The index stays as it was, or nothing is left of it."""
    for number in range(40):
        made(f"run-{number}", metrics={"accuracy": 0.5})
    code = """
        import resource, signal
        import zoo.runs._summary as summary
        from zoo.runs import summaries

        summary._SETTLED = -(10**12)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
        print([row.name for row in summaries()])
    """
    printed = printed_by(start_python(code))
    assert printed.strip() == str([row.name for row in expected()])
    assert summaries() == expected()
    assert len(remembered()) == 40


def test_many_trainings_and_readers_at_once_disturb_nobody():
    """Runs appear, change and go while others list them and one spoils the index."""
    train = """
        import sys
        from zoo.runs import RunWriter, remove_runs

        print("ready", flush=True)
        sys.stdin.readline()
        for number in range(12):
            run = RunWriter.create(None, "stem", 'model = "a"', {}).finish("done")
            if number % 3 == 0:
                remove_runs([run])
    """
    read = """
        import sys
        import zoo.runs._summary as summary
        from zoo.home import home
        from zoo.runs import summaries

        summary._SETTLED = -(10**12)
        print("ready", flush=True)
        sys.stdin.readline()
        rows, number, states = [], 0, set()
        while len(rows) != 16 or {row.state for row in rows} != {"done"}:
            rows, number = summaries(), number + 1
            states |= {row.state for row in rows}
            if rows and len(sys.argv) > 1 and number % 10 == 5:
                (home() / "index.sqlite").write_bytes(b"spoiled" * 100)
        print(*sorted(states - {"running"}))
    """
    processes = [start_python(train) for _ in range(2)]
    readers = [start_python(read), start_python(read), start_python(read, "spoil")]
    for process in (*processes, *readers):
        assert process.stdout.readline() == "ready\n"
    for process in (*processes, *readers):
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        printed_by(process)
    for process in readers:
        assert printed_by(process).split() == ["done"]
    assert summaries() == expected()
    assert len(expected()) == 16


@pytest.mark.usefixtures("three")
def test_a_removed_run_is_forgotten():
    """Else the index would only grow."""
    remove_runs([run for run in list_runs() if run.name == "b"])
    assert [row.name for row in summaries()] == ["c", "a"]
    assert remembered() == {"a", "c"}


@pytest.mark.usefixtures("three")
def test_the_index_is_in_wal_mode():
    """So that readers wait for no writer."""
    with closing(sqlite3.connect(index())) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.usefixtures("three")
def test_a_writer_who_holds_the_index_does_not_stop_the_list():
    """What is learned meanwhile is learned again next time."""
    made("d")
    with closing(sqlite3.connect(index(), isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        assert summaries() == expected()
    assert remembered() == {"a", "b", "c"}
    assert summaries() == expected()
    assert remembered() == {"a", "b", "c", "d"}


def test_a_list_imports_no_more_than_it_needs():
    """Start-up is most of what a list takes."""
    made("a")
    code = """
        import sys
        from zoo.runs import summaries
        summaries()
        print(*sorted({"torch", "numpy", "filelock", "msgspec", "rich"} & set(sys.modules)))
    """
    assert printed_by(start_python(code)).strip() == ""
