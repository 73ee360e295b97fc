"""The tracker `tensorboard`, read back as TensorBoard reads it."""

import re
import signal
import sys

import pytest

import zoo
from zoo.reporting import Silent
from zoo.runs import open_run

pytest.importorskip("tensorboard", reason="pip install 'zoo-registry[tensorboard]'")

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from zoo_track.tensorboard import TensorBoard


def train(epochs=3, **settings):
    settings = {"progress": False, "device": "cpu", "track": "tensorboard", **settings}
    return zoo.train("mlp", "digits", epochs=epochs, **settings)


def read(folder):
    """What TensorBoard finds in a folder."""
    found = EventAccumulator(str(folder))
    found.Reload()
    return found


def curve(found, name):
    """The points of one curve."""
    return [(point.step, point.value) for point in found.Scalars(name)]


def text(found, name):
    """The last of a text's versions."""
    return found.Tensors(f"{name}/text_summary")[-1].tensor_proto.string_val[0].decode()


class StopAfter(Silent):
    """Presses Ctrl-C when an epoch has ended."""

    def __init__(self, epoch):
        self.epoch = epoch

    def epoch_ended(self, row):
        if row.epoch == self.epoch:
            signal.raise_signal(signal.SIGINT)


def assert_whole(run, found):
    """The curves are the run's history, each epoch once."""
    for row in run.history:
        row.pop("step")
        epoch, rate = row.pop("epoch"), row.pop("lr")
        assert dict(curve(found, "lr"))[epoch] == pytest.approx(rate)
        for name, value in row.items():
            tag = f"train/{name[6:]}" if name.startswith("train_") else f"test/{name}"
            assert [step for step, _ in curve(found, tag)] == [1, 2, 3]
            assert dict(curve(found, tag))[epoch] == pytest.approx(value)


def test_a_training_is_read_back():
    """Curves, recipe, facts, the outcome and the final metrics beside the hyperparameters."""
    run = train(set={"model.hidden": [32, 16]})
    assert run.record["plugin_failures"] == {}
    found = read(run.path / "tensorboard")
    assert_whole(run, found)
    speeds = [row["samples_per_second"] for row in run.times]
    assert [value for _, value in curve(found, "samples_per_second")] == pytest.approx(speeds)
    assert "| model.hidden | [32, 16] |" in text(found, "recipe")
    assert f"| zoo.path | {run.path} |" in text(found, "run")
    assert f"| zoo.version.torch | {run.record['versions']['torch']} |" in text(found, "run")
    assert text(found, "outcome") == "done"
    ((_, reached),) = curve(found, "final/accuracy")
    assert reached == pytest.approx(run.metrics["accuracy"])
    parts = found.summary_metadata
    assert {name for name in parts if name.startswith("_hparams_")} == {
        "_hparams_/experiment",
        "_hparams_/session_start_info",
        "_hparams_/session_end_info",
    }
    assert b"optim/adamw" in parts["_hparams_/session_start_info"].plugin_data.content


def test_runs_share_a_folder(tmp_path):
    """Each in a sub-folder of its own name, as TensorBoard tells runs apart."""
    runs = [train(epochs=1, set={"track.tensorboard.log_dir": tmp_path / "logs"}) for _ in "12"]
    assert {path.name for path in (tmp_path / "logs").iterdir()} == {run.name for run in runs}
    assert not (runs[0].path / "tensorboard").exists()


def test_what_is_trained_again_is_shown_once():
    """A run was stopped after an epoch, and another killed that had written the next two."""
    with pytest.raises(zoo.ZooError, match="zoo resume cut"):
        train(progress=StopAfter(1), name="cut")
    folder = zoo.list_runs()[0].path
    assert text(read(folder / "tensorboard"), "outcome") == "stopped"
    killed = TensorBoard()
    killed.zoo_run_started(open_run(folder))
    for epoch in (2, 3):
        killed.zoo_epoch_ended(open_run(folder), epoch, {"train_loss": 7.0, "accuracy": 0.5})
    before = read(folder / "tensorboard")
    assert curve(before, "train/loss")[1:] == [(2, 7.0), (3, 7.0)]
    run = zoo.resume("cut", progress=False)
    after = read(folder / "tensorboard")
    assert_whole(run, after)
    assert text(after, "outcome") == "done"
    killed.zoo_run_ended(run, "failed")


@pytest.mark.skipif(sys.platform == "win32", reason="ranks need gloo and signals")
def test_the_first_rank_tracks_alone():
    """Of two that train together; all files are of one process."""
    run = train(parallel="ddp", ranks=2)
    assert run.recipe["ranks"] == 2
    assert run.record["trackers"] == {"track/tensorboard": {}}
    names = [path.name for path in (run.path / "tensorboard").iterdir()]
    assert len({re.search(r"\.(\d+)\.\d+$", name)[1] for name in names}) == 1
    assert_whole(run, read(run.path / "tensorboard"))
