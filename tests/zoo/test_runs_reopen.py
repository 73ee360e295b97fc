"""A run that ended early is gone on with by one process, which adds to what there is."""

import hashlib
import os
import shutil
import sys

import pytest
from made_runs import begun, killed, made, posix, printed_by, rewrite, start_python

from zoo.errors import CorruptWeights, StorageError, UsageError
from zoo.home import runs_dir
from zoo.runs import RunWriter, lineage, open_run, require_resumable, verify_files
from zoo.runs._machine import machine_facts, this_process


def line(number):
    return f'{{"epoch": {number}}}\n'.encode()


def stopped(name="mine", epochs=3):
    """A run that was stopped after some epochs."""
    writer = begun(name, "", versions={"torch": "2.10"}, parent="older", threads=1)
    for epoch in range(1, epochs + 1):
        writer.append_metrics({"epoch": epoch})
    return writer.finish("stopped")


@pytest.mark.parametrize("state", ["stopped", "failed", "killed"])
def test_a_run_that_ended_early_goes_on(state):
    """As a run of this process, under its name, in its folder."""
    run = killed("mine") if state == "killed" else made("mine", state)
    assert run.state == state
    writer = RunWriter.reopen(run, len(line(1)))
    assert writer.run.state == "running"
    assert writer.run.record["process"] == this_process()
    assert "ended" not in writer.run.record
    writer.append_metrics({"epoch": 2})
    done = writer.finish("done")
    assert done.history == [{"epoch": 1}, {"epoch": 2}]
    names = {"recipe.toml", "model.safetensors", "metrics.jsonl"}
    assert {file.name for file in verify_files(done)} == names


def test_what_went_before_is_kept():
    """Each stretch with its times, its process and what was different then."""
    run = stopped()
    process = {"pid": 1, "started": 2, "host": "other"}
    rewrite(run.path, process=process, seconds=100.0)
    run = open_run(run.path)
    writer = RunWriter.reopen(run, 0, record={"versions": {"torch": "2.14"}, "threads": 1})
    record = writer.run.record
    assert record["stretches"] == [
        {
            "began": run.created,
            "ended": run.record["ended"],
            "state": "stopped",
            "process": process,
            "seconds": 100.0,
            "versions": {"torch": "2.10"},
        }
    ]
    assert record["created"] == run.created
    assert record["began"] > run.record["ended"]
    assert record["versions"] == {"torch": "2.14"}
    assert record["parent"] == "older"
    assert record["machine"] == machine_facts()


def test_a_failure_is_remembered_where_it_happened():
    """The run itself has not failed any more."""
    run = made("mine", "failed", error="no more data")
    done = RunWriter.reopen(run, 0).finish("done")
    assert "error" not in done.record
    assert done.record["stretches"][0]["error"] == "no more data"


def test_the_lineage_of_now_is_recorded_and_the_parent_stays():
    """Whoever goes on does not make it another's child."""
    record = RunWriter.reopen(stopped(), 0, record=lineage()).run.record
    assert record["parent"] == "older"
    assert record["versions"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert record["stretches"][0]["versions"] == {"torch": "2.10"}


def test_seconds_are_those_of_all_stretches():
    """However often it was gone on with."""
    run = stopped()
    for number in range(1, 4):
        rewrite(run.path, seconds=100.0 * number)
        run = RunWriter.reopen(open_run(run.path), 0).finish("stopped")
        stretches = run.record["stretches"]
        assert len(stretches) == number
        assert sum(stretch["seconds"] for stretch in stretches) == pytest.approx(100 * number)
        assert 100 * number <= run.record["seconds"] < 100 * number + 60


def test_a_killed_stretch_lasted_until_it_last_stored_something():
    """Nobody was left to say when it ended."""
    run = killed("mine")
    began = run.path.joinpath("run.json").stat().st_mtime
    os.utime(run.path / "metrics.jsonl", (began + 500, began + 500))
    (stretch,) = RunWriter.reopen(run, len(line(1))).run.record["stretches"]
    assert stretch["state"] == "killed"
    assert 499 < stretch["seconds"] < 560
    assert stretch["ended"] > stretch["began"]


@pytest.mark.parametrize("kept", [0, 1, 2, 3])
def test_the_history_is_cut_to_what_a_checkpoint_knew(kept):
    """What was added later is computed again, and would be there twice."""
    run = stopped()
    with (run.path / "metrics.jsonl").open("ab") as file:
        file.write(b'{"epoch": 4, "lo')
    begins = b"".join(map(line, range(1, kept + 1)))
    sha256 = hashlib.sha256(begins).hexdigest()
    writer = RunWriter.reopen(run, len(begins), metrics_sha256=sha256)
    assert writer.metrics_facts() == {"bytes": len(begins), "sha256": sha256}
    assert (run.path / "metrics.jsonl").read_bytes() == begins
    writer.append_metrics({"epoch": kept + 1})
    assert (run.path / "metrics.jsonl").read_bytes() == begins + line(kept + 1)
    verify_files(writer.finish("done"))


def test_a_run_without_history_goes_on_without():
    """No epoch had ended."""
    run = begun("mine").finish("stopped")
    assert not (run.path / "metrics.jsonl").exists()
    assert RunWriter.reopen(run, 0).finish("done").history == []


@pytest.mark.parametrize(
    ("size", "sha256"), [(1000, None), (len(line(1)), "0" * 64), (0, "0" * 64)]
)
def test_a_history_that_does_not_begin_as_recorded_is_refused(size, sha256):
    """And nothing was changed: the file may come back from a copy."""
    run = stopped()
    before = {file.name: file.read_bytes() for file in run.path.iterdir()}
    with pytest.raises(CorruptWeights, match=r"does not begin with.*`zoo train .*recipe\.toml`"):
        RunWriter.reopen(run, size, metrics_sha256=sha256)
    assert {file.name: file.read_bytes() for file in run.path.iterdir()} == before


def test_a_finished_run_says_that_it_is_finished():
    """Nothing is trained in silence."""
    run = made("mine")
    for ask in (lambda: RunWriter.reopen(run, 0), lambda: require_resumable(run, force=True)):
        with pytest.raises(UsageError, match="is done: all its epochs were trained"):
            ask()


def test_a_damaged_run_does_not_go_on():
    """Its recipe or its record may be another's."""
    run = stopped()
    (run.path / "recipe.toml").write_text("")
    with pytest.raises(CorruptWeights, match=r"recipe\.toml"):
        RunWriter.reopen(run, 0)


def test_a_run_at_work_is_left_alone():
    """Also one of this very process; by force it is not."""
    writer = begun("mine")
    with pytest.raises(UsageError, match=f"trained by process {os.getpid()}"):
        RunWriter.reopen(writer.run, 0)
    assert RunWriter.reopen(writer.run, 0, force=True).run.record["stretches"][0]["state"] == (
        "running"
    )


def test_a_run_that_may_be_at_work_elsewhere_goes_on_by_force_only():
    """Nothing is known of another machine's processes."""
    writer = begun("mine")
    rewrite(writer.path, process={"pid": 1, "started": 1, "host": "other"})
    with pytest.raises(UsageError, match="another machine.*--force"):
        RunWriter.reopen(writer.run, 0)
    assert RunWriter.reopen(writer.run, 0, force=True).run.record["process"] == this_process()


def test_what_counts_is_how_the_run_is_now():
    """Somebody else may have gone on with it since it was read."""
    run = stopped()
    RunWriter.reopen(run, 0)
    with pytest.raises(UsageError, match="is being trained by process"):
        RunWriter.reopen(run, 0)


def test_of_several_who_go_on_with_a_run_one_does():
    """Two would ruin each other's work."""
    stopped()
    code = """
        import sys
        from zoo.errors import UsageError
        from zoo.runs import RunWriter, find_run

        run = find_run("mine")
        print("ready", flush=True)
        sys.stdin.readline()
        try:
            RunWriter.reopen(run, 0)
            print("won", flush=True)
        except UsageError:
            print("refused", flush=True)
        sys.stdin.readline()
    """
    processes = [start_python(code) for _ in range(6)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.stdout.readline().strip() for process in processes]
    assert sorted(said) == ["refused"] * 5 + ["won"]
    for process in processes:
        process.communicate("end\n")


@posix
def test_one_that_died_while_going_on_does_not_stop_the_next():
    """Killed at random moments, over and over, the run can always be gone on with."""
    run = stopped()
    code = """
        from zoo.runs import RunWriter, find_run

        print("ready", flush=True)
        for number in range(1000):
            RunWriter.reopen(find_run("mine"), 13, force=True)
            print("reopened", flush=True)
    """
    for kill in range(6):
        process = start_python(code)
        process.stdout.readline()
        for _ in range(kill % 3):
            assert process.stdout.readline() == "reopened\n"
        process.kill()
        process.communicate()
    found = open_run(run.path)
    assert found.state in ("killed", "stopped")
    done = RunWriter.reopen(found, len(line(1))).finish("done")
    assert done.history == [{"epoch": 1}]
    assert {file.name for file in done.path.iterdir()} == {
        "recipe.toml",
        "run.json",
        "metrics.jsonl",
    }


def test_what_a_killed_process_left_in_the_folder_is_cleared_away():
    """Half a file of weights is as large as a whole one."""
    run = killed("mine")
    dead = run.record["process"]["pid"]
    checkpoints = run.path / "checkpoints"
    checkpoints.mkdir()
    (run.path / f".model.pth.{dead}.0123abcd.partial").write_text("half")
    half = checkpoints / f".step-7.{dead}.0123abcd.partial"
    half.mkdir()
    (half / "state.json").write_text("half")
    (checkpoints / f".step-8.{os.getpid()}.0123abcd.partial").mkdir()
    RunWriter.reopen(run, len(line(1)))
    assert not list(run.path.glob(".*"))
    assert [path.name[:7] for path in checkpoints.iterdir()] == [".step-8"]


@posix
def test_a_full_disk_leaves_the_run_as_it_was():
    """It can be gone on with when there is space."""
    run = stopped()
    before = {file.name: file.read_bytes() for file in run.path.iterdir()}
    code = """
        import resource, signal
        from zoo.errors import StorageError
        from zoo.runs import RunWriter, find_run

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
        try:
            RunWriter.reopen(find_run("mine"), 0)
        except StorageError as error:
            print(error)
    """
    assert "File too large" in printed_by(start_python(code))
    assert {file.name: file.read_bytes() for file in run.path.iterdir()} == before
    assert open_run(run.path).state == "stopped"


def test_a_history_that_cannot_be_cut_leaves_the_run_as_it_was(tmp_path):
    """Else it would be taken for running until this process ends."""
    run = stopped()
    history = run.path / "metrics.jsonl"
    shutil.move(history, tmp_path / "history")
    history.mkdir()
    with pytest.raises(StorageError, match=r"metrics\.jsonl"):
        RunWriter.reopen(run, 0)
    assert open_run(run.path).state == "stopped"


@posix
def test_a_run_that_could_not_record_its_end_can_be_gone_on_with_at_once():
    """The disk was full; the process lives on, as a notebook does."""
    code = """
        import resource, signal
        from zoo.errors import StorageError
        from zoo.runs import RunWriter, find_run, summaries
        import zoo.runs._summary

        zoo.runs._summary._SETTLED = -(10**12)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        writer = RunWriter.create("mine", "", 'model = "a"', {})
        print(find_run("mine").state, summaries()[0].state, summaries()[0].state)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
        try:
            writer.finish("stopped")
        except StorageError:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
            print(find_run("mine").state, summaries()[0].state)
            print(RunWriter.reopen(find_run("mine"), 0).run.state, summaries()[0].state)
    """
    states = printed_by(start_python(code)).split()
    assert states == ["running"] * 3 + ["killed"] * 2 + ["running"] * 2


def test_a_run_outside_the_home_goes_on_where_it_is(tmp_path):
    """One copied from another machine, given by its path."""
    run = stopped()
    moved = shutil.copytree(run.path, tmp_path / "copy")
    writer = RunWriter.reopen(open_run(moved), 0)
    assert (writer.path, writer.run.record["name"]) == (moved, "copy")
    assert open_run(runs_dir() / "mine").state == "stopped"
