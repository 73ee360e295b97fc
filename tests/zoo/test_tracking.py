"""Trackers: switched on by name, told what plugins are told, and no part of what is trained."""

import json
import math
import signal
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from torch import nn

import zoo
import zoo_registry
from zoo.cli._main import cli
from zoo.errors import Diverged, InvalidOption, SpecError, UnknownName, UsageError
from zoo.reporting import Silent
from zoo_registry import Tracker, TrackerSpec

PLUGIN = """
from zoo_registry import TrackerSpec, hookimpl

@hookimpl
def zoo_trackers():
    return [
        TrackerSpec(name=name, build=f"acme_trackers:{builder}")
        for name, builder in {
            "diary": "Diary", "sick": "Sick", "late": "Late", "thief": "Thief",
            "typo": "Typo", "none": "Nothing",
        }.items()
    ] + [TrackerSpec(name="lost", build="acme_lost:Lost")]
"""
TRACKERS = """
import json
import shutil
from pathlib import Path

class Diary:
    '''Writes down what it is told.'''

    def __init__(self, file: Path = Path("diary.jsonl"), level: int = 1):
        self.file, self.level, self.kept = file, level, 0
        if level > 9:
            raise ValueError("level goes to 9")

    def write(self, *words):
        with self.file.open("a") as file:
            file.write(json.dumps(words) + "\\n")

    def zoo_run_started(self, run):
        self.write("started", run.name, run.state, self.level)

    def zoo_epoch_ended(self, run, epoch, metrics):
        self.kept += 1
        self.write("epoch", epoch, self.kept, sorted(metrics))

    def zoo_checkpoint_saved(self, path):
        self.write("saved", path.name)

    def zoo_state(self):
        return {"kept": self.kept}

    def zoo_restore(self, state):
        self.kept = state["kept"]
        self.write("restored", state["kept"])

    def zoo_run_ended(self, run, outcome):
        self.write("ended", outcome, run.state)

class Sick:
    def zoo_epoch_ended(self, epoch):
        raise OSError("the server is gone")

class Late:
    def zoo_run_ended(self):
        raise OSError("too late")

class Thief:
    def zoo_run_ended(self, run):
        shutil.rmtree(run.path)
        raise OSError("it is gone")

class Typo:
    def zoo_epoch_end(self, epoch):
        pass

class Nothing:
    pass
"""
LOST = """
from zoo_registry import UsageError
raise UsageError("pip install 'acme[lost]'")
"""


@pytest.fixture
def acme(tmp_path, monkeypatch):
    """An installed plugin with trackers; what is imported of it is forgotten afterwards."""
    folder = tmp_path / "site"
    info = folder / "acme-2.0.dist-info"
    info.mkdir(parents=True)
    for name, text in {"plugin": PLUGIN, "trackers": TRACKERS, "lost": LOST}.items():
        (folder / f"acme_{name}.py").write_text(text)
        monkeypatch.delitem(sys.modules, f"acme_{name}", raising=False)
    (info / "METADATA").write_text("Name: acme\nVersion: 2.0\n")
    (info / "entry_points.txt").write_text("[zoo]\nacme = acme_plugin\n")
    monkeypatch.syspath_prepend(folder)
    for module in ("zoo.api", "zoo.cli._train", "zoo.cli._resume", "zoo.cli._training"):
        monkeypatch.setattr(f"{module}.registry", zoo_registry.load)
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("acme_")]:
        del sys.modules[name]


@pytest.fixture
def diary(acme):
    """Where the diary is kept, and a function that reads it."""
    file = acme / "diary.jsonl"
    return file, lambda: [json.loads(line) for line in file.read_text().splitlines()]


class Exploding(nn.Linear):
    """Finite for one step of training, then not."""

    def __init__(self):
        super().__init__(2, 2)
        self.steps = 1

    def forward(self, samples):
        self.steps -= self.training
        return super().forward(samples) * (math.nan if self.steps < 0 else 1.0)


def train(model=None, *, epochs=2, **settings):
    samples = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
    labels = (samples[:, 0] > 0).astype(np.int64)
    settings = {"progress": False, "device": "cpu", **settings}
    return zoo.train(model or nn.Linear(2, 2), (samples, labels), epochs=epochs, **settings)


def test_a_tracker_hears_the_training(diary):
    """From its start to its end, with the options that were set; the record has them too."""
    file, read = diary
    run = train(track="diary", set={"track.diary.file": file, "track.acme/diary.level": 3})
    told = read()
    metrics = ["accuracy", "loss", "train_accuracy", "train_loss"]
    assert told[0] == ["started", run.name, "running", 3]
    assert ["epoch", 1, 1, metrics] in told
    assert ["epoch", 2, 2, metrics] in told
    assert ["saved", "model.safetensors"] in told
    assert told[-1] == ["ended", "done", "done"]
    assert run.record["trackers"] == {"acme/diary": {"file": str(file), "level": 3}}
    assert run.record["plugin_failures"] == {}


def test_tracking_is_no_part_of_the_recipe(diary):
    """A recipe trains the same with and without it."""
    tracked = train(track=["diary"], set={"track.diary.file": diary[0]})
    plain = train()
    assert tracked.recipe == plain.recipe
    assert "track" not in (tracked.path / "recipe.toml").read_text()
    assert plain.record["trackers"] == {}
    assert len([words for words in diary[1]() if words[0] == "started"]) == 1


def test_a_tracker_that_fails_spares_the_training(acme, capsys):
    """It is named once, at once; the summary and the record say it again."""
    run = train(track=["sick", "late"], progress=True)
    assert run.state == "done"
    assert len(run.history) == 2
    sick = "zoo_epoch_ended: OSError: the server is gone"
    late = "zoo_run_ended: OSError: too late"
    assert run.record["plugin_failures"] == {"acme/sick": sick, "acme/late": late}
    assert zoo.list_runs()[0].record == run.record
    out, err = capsys.readouterr()
    assert err.count(f"tracker acme/sick (acme 2.0) failed in {sick}\n") == 1
    assert err.count(f"tracker acme/late (acme 2.0) failed in {late}\n") == 1
    assert out.endswith(
        f"  failed meanwhile: acme/sick in {sick}\n  failed meanwhile: acme/late in {late}\n"
    )


def test_a_run_that_was_removed_meanwhile_is_not_written_again(acme):
    """Who fails in the end is added to the record, unless the run is somebody else's by then."""
    run = train(track="thief")
    assert run.state == "done"
    assert not run.path.exists()


def test_the_outcome_in_json_tells_who_failed(acme):
    """For programs: the last line has what `run.json` has."""
    flags = ["--dataset", "digits", "--epochs", "1", "--device", "cpu", "--json"]
    done = CliRunner().invoke(cli, ["train", "mlp", *flags, "--track", "sick"])
    assert done.exit_code == 0
    outcome = json.loads(done.stdout.splitlines()[-1])
    fault = "zoo_epoch_ended: OSError: the server is gone"
    assert outcome["plugin_failures"] == {"acme/sick": fault}


def test_a_failed_run_tells_who_failed_before(acme):
    """The record of a run that diverged has the failures of its trackers as well."""
    with pytest.raises(Diverged):
        train(Exploding(), track="sick")
    (run,) = zoo.list_runs()
    assert run.state == "failed"
    assert set(run.record["plugin_failures"]) == {"acme/sick"}


@pytest.mark.parametrize(
    ("track", "options", "error", "text"),
    [
        ("dairy", {}, UnknownName, "no tracker named 'dairy'; closest: diary"),
        ("diary", {"level": "high"}, InvalidOption, "track.diary.level must be an int"),
        ("diary", {"colour": 1}, InvalidOption, "acme/diary has no option 'colour'"),
        ("diary", {"level": 10}, InvalidOption, "refuses its options .*goes to 9"),
        ("sick", {"level": 3}, InvalidOption, "not switched on: --track diary"),
        ("lost", {}, UsageError, r"^pip install 'acme\[lost\]'$"),
        ("typo", {}, SpecError, "no life-cycle hook zoo_epoch_end; did you mean zoo_epoch_ended"),
        ("none", {}, SpecError, "built a Nothing, which has no life-cycle hooks"),
    ],
)
def test_a_mistake_is_answered_before_training(acme, track, options, error, text):
    """No run is begun."""
    named = {f"track.diary.{option}": value for option, value in options.items()}
    with pytest.raises(error, match=text):
        train(track=track, set=named)
    assert zoo.list_runs() == []


def test_an_option_has_a_name_and_a_tracker(acme):
    """`track.level` is none."""
    with pytest.raises(InvalidOption, match=r"write track\.NAME\.OPTION"):
        train(track="diary", set={"track.level": 3})


def test_a_tracker_may_not_ask_for_what_it_is_not_given(acme):
    """Hooks have the arguments that plugins' have."""

    class Greedy:
        def zoo_epoch_ended(self, weights):
            """Never called."""

    entry = zoo_registry.load().find("tracker", "diary")
    with pytest.raises(SpecError, match="asks for 'weights'; it is given run, epoch, metrics"):
        Tracker(entry, Greedy())
    assert TrackerSpec(name="greedy", build="acme_trackers:Greedy").kind == "tracker"


@pytest.fixture
def stopped(diary, monkeypatch):
    """The name of a run with a diary, stopped by Ctrl-C after its first epoch of three."""
    file, _ = diary
    monkeypatch.chdir(file.parent)
    with pytest.raises(zoo.ZooError, match="zoo resume"):
        train(
            epochs=3,
            track="diary",
            set={"track.diary.file": file},
            progress=StopAfter(1),
            name="cut",
        )
    return "cut"


class StopAfter(Silent):
    """Presses Ctrl-C when an epoch has ended."""

    def __init__(self, epoch):
        self.epoch = epoch

    def epoch_ended(self, row):
        if row.epoch == self.epoch:
            signal.raise_signal(signal.SIGINT)


def resume(name, **settings):
    samples = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
    labels = (samples[:, 0] > 0).astype(np.int64)
    return zoo.resume(
        name, model=nn.Linear(2, 2), dataset=(samples, labels), progress=False, **settings
    )


def test_a_run_that_goes_on_is_tracked_on(stopped, diary, monkeypatch):
    """With the same options, in whatever folder; the tracker has what it had kept."""
    _, read = diary
    assert read()[-1] == ["ended", "stopped", "stopped"]
    cut = len(read())
    monkeypatch.chdir(diary[0].parent.parent)
    run = resume(stopped)
    told = read()[cut:]
    assert told[:2] == [["restored", 1], ["started", "cut", "running", 1]]
    assert [words[:3] for words in told if words[0] == "epoch"] == [
        ["epoch", 2, 2],
        ["epoch", 3, 3],
    ]
    assert run.record["trackers"] == {"acme/diary": {"file": str(diary[0])}}


def test_more_trackers_may_join(stopped, diary):
    """And options be changed."""
    run = resume(stopped, track="sick", set={"track.diary.level": 5})
    assert run.record["trackers"]["acme/diary"]["level"] == 5
    assert set(run.record["plugin_failures"]) == {"acme/sick"}
    assert ["started", "cut", "running", 5] in diary[1]()


def test_a_run_may_go_on_untracked(stopped, diary):
    """Where the tracker's library is not at hand, for instance."""
    cut = len(diary[1]())
    assert resume(stopped, track=False).record["trackers"] == {}
    assert len(diary[1]()) == cut


def test_a_tracker_that_is_gone_is_named(stopped, monkeypatch):
    """With what goes on without it; other settings are no trackers'."""
    registry = zoo_registry.load(only=["arrays", "optim"])
    monkeypatch.setattr("zoo.api.registry", lambda: registry)
    with pytest.raises(UnknownName, match=r"acme/diary.*--no-track goes on without"):
        resume(stopped)
    with pytest.raises(InvalidOption, match="'epochs' is no option of a tracker"):
        resume(stopped, track=False, set={"epochs": 3})


def test_the_command_line_goes_on_likewise(diary, monkeypatch):
    """`zoo resume` with one more tracker and another option, then with none; else it is refused."""
    file, read = diary
    monkeypatch.chdir(file.parent)
    for name in ("one", "two"):
        with pytest.raises(zoo.ZooError, match="zoo resume"):
            zoo.train(
                "mlp",
                "digits",
                epochs=2,
                device="cpu",
                track="diary",
                progress=StopAfter(1),
                name=name,
            )

    def resumed(*flags):
        done = CliRunner().invoke(cli, ["resume", *flags])
        return done, {run.name: run.record for run in zoo.list_runs()}

    done, _ = resumed("one", "--set", "epochs=5")
    assert isinstance(done.exception, InvalidOption)
    done, records = resumed("one", "--track", "sick", "--set", "track.diary.level=5")
    assert done.exit_code == 0
    assert "  failed meanwhile: acme/sick in zoo_epoch_ended: OSError" in done.stdout
    assert records["one"]["trackers"] == {"acme/diary": {"level": 5}, "acme/sick": {}}
    assert ["started", "one", "running", 5] in read()
    cut = len(read())
    done, records = resumed("two", "--no-track")
    assert done.exit_code == 0
    assert records["two"]["trackers"] == {}
    assert len(read()) == cut
