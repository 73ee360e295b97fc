"""Runs are found, read and checked; a damaged one disturbs no other."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo._files import write_text
from zoo._sealed import seal, unseal
from zoo.errors import CorruptWeights, StorageError, UnknownName
from zoo.home import runs_dir
from zoo.runs import RunWriter, find_run, list_runs, open_run, verify_files
from zoo.runs._machine import exists, is_dead, this_process
from zoo.runs._names import next_name


def create(name: str, **record) -> RunWriter:
    return RunWriter.create(name, "", f'model = "{name}"\n', record)


def rewrite(writer: RunWriter, **entries) -> None:
    """Change the record behind the writer's back."""
    file = writer.path / "run.json"
    file.write_text(seal(unseal(file.read_bytes()) | entries), encoding="utf-8")


def test_without_runs_the_list_is_empty():
    """And no folder is made for looking."""
    assert list_runs() == []
    assert not runs_dir().exists()


def test_runs_are_listed_newest_first():
    """By the time they began, whatever their names and whenever they were copied."""
    for name in ("b", "c", "a"):
        create(name)
    os.utime(runs_dir() / "b")
    assert [run.name for run in list_runs()] == ["a", "c", "b"]


def test_a_run_has_what_its_files_say():
    """All of them, as the API promises."""
    writer = create("mine", data={"train": 10})
    writer.append_metrics({"epoch": 1, "accuracy": 0.5})
    run = writer.finish("done", metrics={"accuracy": 0.75})
    assert run.name == "mine"
    assert run.path == runs_dir() / "mine"
    assert run.metrics == {"accuracy": 0.75}
    assert run.recipe == {"model": "mine"}
    assert run.record["data"] == {"train": 10}
    assert run.history == [{"epoch": 1, "accuracy": 0.5}]
    assert run.weights == run.path / "model.safetensors"
    assert run.created.endswith("+00:00")


def test_a_fresh_run_has_no_history():
    """No epoch has ended."""
    assert create("mine").run.history == []


def test_a_line_that_a_kill_cut_short_is_left_out():
    """The lines before it are what was measured."""
    writer = create("mine")
    writer.append_metrics({"epoch": 1})
    with (writer.path / "metrics.jsonl").open("ab") as file:
        file.write(b'{"epoch": 2, "lo')
    assert writer.run.history == [{"epoch": 1}]


def test_a_run_is_found_by_name_and_by_path(monkeypatch):
    """A folder elsewhere too, as one copied from another machine."""
    writer = create("mine")
    for asked in ("mine", writer.path, str(writer.path), f"{writer.path}{os.sep}"):
        assert find_run(asked).path == writer.path
    monkeypatch.chdir(runs_dir())
    assert find_run(Path("mine")).path == writer.path
    assert find_run("./mine").path == writer.path


def test_a_name_means_the_run_rather_than_a_folder_here(tmp_path, monkeypatch):
    """What stands in the working directory changes no command's meaning."""
    writer = create("mine")
    elsewhere = tmp_path / "mine"
    elsewhere.mkdir()
    for file in writer.path.iterdir():
        (elsewhere / file.name).write_bytes(file.read_bytes())
    monkeypatch.chdir(tmp_path)
    assert find_run("mine").path == writer.path
    assert find_run(Path("./mine").absolute()).path == elsewhere


@pytest.mark.parametrize("asked", ["mnist-cnn-digit-1", "", "..", "a/b", "x" * 5000, "a\0b"])
def test_an_unknown_run_is_answered_with_the_nearest_names(asked):
    """However odd the name."""
    create("mnist-cnn-digits-1")
    with pytest.raises(UnknownName, match="`zoo runs`") as raised:
        find_run(asked)
    assert raised.value.exit_code == 2
    if asked.startswith("mnist"):
        assert "closest: mnist-cnn-digits-1" in str(raised.value)


def test_a_path_without_a_run_is_unknown(tmp_path):
    """Also one that is a file."""
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "missing", tmp_path / "file", tmp_path / ("x" * 5000)):
        with pytest.raises(UnknownName):
            open_run(path)


DAMAGES = {
    "no record": lambda path: (path / "run.json").unlink(),
    "no recipe": lambda path: (path / "recipe.toml").unlink(),
    "record cut short": lambda path: (path / "run.json").write_text('{"state": "do'),
    "record of garbage": lambda path: (path / "run.json").write_bytes(b"\xff\xfe\x00"),
    "record without end": lambda path: (path / "run.json").write_text("[" * 100_000),
    "record of a list": lambda path: (path / "run.json").write_text("[]"),
    "record of nothing": lambda path: (path / "run.json").write_text("{}"),
    "recipe of garbage": lambda path: (path / "recipe.toml").write_text("= ="),
    "recipe not UTF-8": lambda path: (path / "recipe.toml").write_bytes(b"\xff"),
    "record is a folder": lambda path: [(path / "run.json").unlink(), (path / "run.json").mkdir()],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_run_is_listed_with_the_reason_beside_the_others(damage):
    """It can be found, to be looked at or removed; it has nothing else to say."""
    create("whole")
    DAMAGES[damage](create("damaged").path)
    states = {run.name: run.state for run in list_runs()}
    assert states == {"whole": "running", "damaged": "damaged"}
    run = find_run("damaged") if "no record" not in damage else open_run(runs_dir() / "damaged")
    assert any(word in run.reason for word in ("run.json", "recipe.toml"))
    assert (run.metrics, run.recipe, run.history) == ({}, {}, [])
    assert run.created.endswith("+00:00")
    with pytest.raises(CorruptWeights, match="can't be verified"):
        verify_files(run)


@pytest.mark.parametrize("file", ["run.json", "recipe.toml"])
@given(data=st.data())
def test_a_flipped_bit_or_a_missing_end_is_damage(file, data):
    """Of a run's record and of its recipe, wherever it is: what is shown was never written."""
    writer = create(next_name(runs_dir(), "mine") if runs_dir().exists() else "mine-1")
    broken = bytearray((writer.path / file).read_bytes())
    place = data.draw(st.integers(0, 2**31), label="place")
    if data.draw(st.booleans(), label="cut"):
        del broken[place % len(broken) :]
    else:
        broken[place // 8 % len(broken)] ^= 1 << (place % 8)
    (writer.path / file).write_bytes(broken)
    assert writer.run.state == "damaged"
    assert file in writer.run.reason


def test_a_record_without_a_seal_is_damaged():
    """Else whoever took the seal away could change anything."""
    writer = create("mine")
    (writer.path / "run.json").write_text(json.dumps(dict(writer.run.record)))
    assert writer.run.state == "damaged"
    assert "digest" in writer.run.reason


@pytest.mark.parametrize("damage", ["flipped", "cut", "missing"])
def test_a_history_that_is_not_as_stored_is_refused(damage):
    """Once a run has ended it is on record; a curve with an altered point is no curve."""
    writer = create("mine")
    writer.append_metrics({"epoch": 1, "loss": 0.25})
    run = writer.finish("done")
    file = run.path / "metrics.jsonl"
    match damage:
        case "flipped":
            file.write_bytes(file.read_bytes().replace(b"0.25", b"0.24"))
        case "cut":
            file.write_bytes(file.read_bytes()[:-1])
        case "missing":
            file.unlink()
    with pytest.raises(CorruptWeights, match=r"metrics\.jsonl is not what the run stored"):
        _ = run.history
    with pytest.raises(CorruptWeights, match=r"metrics\.jsonl"):
        verify_files(run)


def test_a_run_read_before_it_was_gone_on_with_still_has_its_history():
    """What is recorded of a history holds for the record that was read with it."""
    writer = create("mine")
    writer.append_metrics({"epoch": 1})
    stopped = writer.finish("stopped")
    again = RunWriter.reopen(stopped, writer.metrics_facts()["bytes"])
    again.append_metrics({"epoch": 2})
    assert stopped.history == again.run.history == [{"epoch": 1}, {"epoch": 2}]


@pytest.mark.parametrize(
    "entries",
    [
        {"state": "asleep"},
        {"state": None},
        {"created": "yesterday"},
        {"created": 3},
        {"created": "0001-01-01T00:00:00+14:00"},
        {"metrics": []},
        {"files": "all"},
        {"process": 3},
    ],
)
def test_a_record_that_says_nonsense_is_damaged(entries):
    """JSON, but not a run's."""
    rewrite(create("mine"), **entries)
    (run,) = list_runs()
    assert run.state == "damaged"
    assert next(iter(entries)) in run.reason


def test_what_is_no_run_is_not_listed():
    """Files, and folders that are being made or removed."""
    create("mine")
    (runs_dir() / "notes.txt").write_text("")
    (runs_dir() / ".other.12.ab.partial").mkdir()
    assert [run.name for run in list_runs()] == ["mine"]


def test_a_folder_of_runs_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    """An empty list would be a lie."""
    monkeypatch.setenv("ZOO_HOME", str(tmp_path))
    (tmp_path / "runs").write_text("")
    with pytest.raises(StorageError, match=r"runs.*ZOO_HOME"):
        list_runs()


def test_a_run_whose_process_has_died_is_killed():
    """Nobody was left to say how it ended."""
    code = 'from zoo.runs import RunWriter; RunWriter.create("mine", "", "", {})'
    subprocess.run([sys.executable, "-c", code], check=True)
    assert find_run("mine").state == "killed"
    assert find_run("mine").record["state"] == "running", "the record is what was written"


def test_a_run_whose_process_lives_is_running():
    """This one."""
    assert create("mine").run.state == "running"


def test_a_run_that_ended_was_not_killed():
    """Its process has ended too."""
    code = 'from zoo.runs import RunWriter; RunWriter.create("mine", "", "", {}).finish("done")'
    subprocess.run([sys.executable, "-c", code], check=True)
    assert find_run("mine").state == "done"


def test_a_number_given_to_another_process_is_recognized():
    """Numbers come round again, after a restart of the machine sooner than one thinks."""
    process = this_process()
    assert not is_dead(process)
    if process["started"] is None:
        pytest.skip("this system does not tell when a process started")
    assert is_dead({**process, "started": process["started"] - 1})


@pytest.mark.parametrize(
    "process", [{}, {"pid": 2**200}, {"pid": "7"}, {"pid": 10**7, "host": "x"}]
)
def test_of_other_machines_nothing_is_known(process):
    """Nor of records that do not say."""
    assert not is_dead(process)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux tells")
def test_a_process_that_nobody_has_asked_after_is_dead():
    """It keeps its number until its parent asks, which a careless parent never does."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        alive = {**this_process(), "pid": process.pid, "started": None}
        assert exists(process.pid)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not exists(process.pid)
        assert is_dead(alive)


def test_numbers_no_process_can_have_are_dead():
    """From a damaged record."""
    assert is_dead({**this_process(), "pid": 2**200})
    assert is_dead({**this_process(), "pid": 2**22 + 1})


def stored(name: str = "mine") -> RunWriter:
    writer = create(name)
    for file in ("model.safetensors", "model.pth"):
        writer.add_file(write_text(writer.path / file, f"bytes of {file}"))
    return writer


def test_files_that_are_as_stored_are_verified():
    """All that the record names."""
    run = stored().finish("done")
    names = ("recipe.toml", "model.safetensors", "model.pth")
    assert verify_files(run) == [run.path / name for name in names]
    assert verify_files(run, only=("model.pth", "model.onnx")) == [run.path / "model.pth"]
    assert verify_files(create("empty").run) == [runs_dir() / "empty" / "recipe.toml"]


@pytest.mark.parametrize("damage", ["flipped", "cut", "missing", "folder"])
def test_a_file_that_is_not_as_stored_is_named(damage):
    """With what is wrong with it, and what to do."""
    run = stored().run
    file = run.path / "model.pth"
    data = file.read_bytes()
    match damage:
        case "flipped":
            file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        case "cut":
            file.write_bytes(data[:-1])
        case "missing":
            file.unlink()
        case "folder":
            file.unlink()
            file.mkdir()
    with pytest.raises(CorruptWeights, match=r"model\.pth.*again"):
        verify_files(run)


@pytest.mark.parametrize("name", ["../other/model.pth", "/etc/hostname", "..", "a\0b"])
def test_a_record_cannot_lead_out_of_its_folder(name):
    """A run from somewhere else is data like any other."""
    stored("other")
    writer = stored("mine")
    rewrite(writer, files={**writer.run.record["files"], name: {"sha256": "", "bytes": 0}})
    with pytest.raises(CorruptWeights, match="is not what the run stored"):
        verify_files(writer.run)


@pytest.mark.parametrize("facts", [None, 3, {}, {"sha256": None}])
def test_a_record_that_says_nothing_of_a_file_does_not_verify_it(facts):
    """Nothing is taken for granted."""
    writer = stored()
    rewrite(writer, files={**writer.run.record["files"], "model.pth": facts})
    with pytest.raises(CorruptWeights, match=r"model\.pth"):
        verify_files(writer.run)
