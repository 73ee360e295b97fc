"""The loop and what surrounds it: exact, checked before its first step, stored whole."""

import json
import math
import os
import signal
import sys
import threading
import tomllib

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

import zoo
import zoo_registry
from zoo.checkpoints import MODEL, checkpoints
from zoo.data import epoch_order
from zoo.errors import Diverged, InvalidData, InvalidOption, OutOfMemory, Stopped, UsageError
from zoo.reporting import Silent
from zoo.training._interrupt import interrupts


def blobs(count=60, seed=0):
    """Two classes that a line separates: float32 (N, 2), int64 (N,)."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count)
    return (rng.normal(size=(count, 2)) + 3 * labels[:, None]).astype(np.float32), labels


def net(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 2))


def train(model=None, dataset=None, **settings):
    settings = {"epochs": 2, "batch_size": 16, "device": "cpu", "progress": False, **settings}
    return zoo.train(
        net() if model is None else model, blobs() if dataset is None else dataset, **settings
    )


def test_the_loop_is_the_textbooks():
    """Ragged last batch included, the weights are those of six plain lines of torch, to the bit."""
    model, reference = net(), net()
    samples, labels = map(torch.from_numpy, blobs(50))
    splits = zoo_registry.Splits(train=zoo.ArrayDataset(samples, labels))
    train(model, splits, optimizer="sgd", lr=0.1, epochs=3, seed=4, set={"optimizer.momentum": 0.9})
    optimizer = torch.optim.SGD(reference.parameters(), lr=0.1, momentum=0.9, fused=True)
    for epoch in (1, 2, 3):
        for batch in epoch_order(50, 4, epoch).split(16):
            loss = nn.functional.cross_entropy(reference(samples[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    for trained, expected in zip(model.parameters(), reference.parameters(), strict=True):
        assert torch.equal(trained, expected)


def test_the_same_seed_gives_the_same_bytes():
    """Twice the same digest; another seed, another order, another digest."""
    digests = [
        train(net(), seed=seed).record["files"]["model.safetensors"]["sha256"] for seed in (1, 1, 2)
    ]
    assert digests[0] == digests[1] != digests[2]


def test_the_callers_random_state_is_left_alone():
    """Training draws from streams of its own."""
    torch.manual_seed(3)
    expected = torch.rand(4)
    model = net()
    torch.manual_seed(3)
    train(model)
    assert torch.equal(torch.rand(4), expected)


def test_what_a_run_holds():
    """The directory of the design: recipe, record, both weights, history, and nothing else."""
    model = net()
    run = train(model, epochs=3, lr=0.05)
    files = sorted(
        str(path.relative_to(run.path)) for path in run.path.rglob("*") if path.is_file()
    )
    of_each = ("manifest.json", "model.safetensors", "state.json", "state.safetensors")
    assert files == [
        *(f"checkpoints/step-0000000{step}-end/{name}" for step in (6, 9) for name in of_each),
        "metrics.jsonl",
        "model.pth",
        "model.safetensors",
        "recipe.toml",
        "run.json",
        "times.jsonl",
    ]
    assert (run.state, run.name) == ("done", "sequential-arrays-1")
    assert len(run.history) == 3
    assert run.history[-1]["step"] == 9
    assert [row["epoch"] for row in run.times] == [1, 2, 3]
    assert all(row["seconds"] > 0 and row["samples_per_second"] > 0 for row in run.times)
    record = json.loads((run.path / "run.json").read_text())
    assert record["metrics"] == run.metrics
    assert set(run.metrics) == {"loss", "accuracy"}
    assert run.metrics["accuracy"] > 0.9
    assert record["versions"]["torch"] == torch.__version__
    assert record["plugins"] == [
        {"name": "optim", "distribution": "zoo-registry", "version": record["zoo_version"]}
    ]
    assert len(record["data"]["fingerprint"]) == 64


def test_both_weight_files_load_without_zoo():
    """Three lines of plain torch or safetensors; the last weights are the model's own."""
    model = net()
    run = train(model)
    for state in (
        load_file(run.path / "model.safetensors"),
        torch.load(run.path / "model.pth", weights_only=True),
    ):
        fresh = net(9)
        fresh.load_state_dict(state)
    last = load_file(checkpoints(run.path)[0] / MODEL)
    assert all(torch.equal(last[name], value) for name, value in model.state_dict().items())


def test_the_best_epoch_is_the_model_and_the_newest_the_last():
    """`monitor` says which metric and direction; the record says which epoch."""
    run = train(lr=0.5, epochs=6, monitor="loss:max", set={"optimizer.weight_decay": 0.0})
    losses = [row["loss"] for row in run.history]
    assert run.record["best_epoch"] == 1 + losses.index(max(losses))
    assert run.metrics["loss"] == max(losses)
    fresh = net(5)
    zoo.load_weights(fresh, run.weights)
    samples, labels = map(torch.from_numpy, blobs())
    held_out = zoo.as_splits((samples, labels)).test
    measured = nn.functional.cross_entropy(fresh(held_out.samples), held_out.labels).item()
    assert measured == pytest.approx(max(losses), rel=1e-5)


def test_names_count_up_and_an_occupied_one_is_refused():
    """No earlier run is touched."""
    first, second = train(), train()
    assert (first.name, second.name) == ("sequential-arrays-1", "sequential-arrays-2")
    train(name="mine")
    before = (zoo.list_runs()[0].path / "run.json").read_bytes()
    with pytest.raises(UsageError, match="mine.*zoo runs show mine"):
        train(name="mine")
    assert (zoo.list_runs()[0].path / "run.json").read_bytes() == before


def test_dataparallel_keeps_the_bare_keys():
    """On a machine without GPUs it passes through, wrapped all the same."""
    run = train(parallel="dp")
    plain = train(parallel="none")
    files = [run.record["files"], plain.record["files"]]
    assert files[0]["model.safetensors"]["sha256"] == files[1]["model.safetensors"]["sha256"]
    assert set(load_file(run.weights)) == set(net().state_dict())
    assert run.recipe["parallel"] == "dp"


@pytest.mark.gpu
def test_a_gpu_trains_to_the_same_weights_as_the_cpu():
    """The same order and the same loop; only the arithmetic's rounding differs."""
    cpu, gpu = train(net(), device="cpu"), train(net(), device="cuda")
    expected = load_file(cpu.weights)
    for name, value in load_file(gpu.weights).items():
        torch.testing.assert_close(value, expected[name], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"device": "cuda:99"}, "no device 'cuda:99' here; choose from: auto, cpu"),
        ({"device": "tpu"}, "no device 'tpu'"),
        ({"parallel": "all"}, "parallel is one of auto, none, dp, ddp, fsdp"),
        ({"ranks": 2, "parallel": "none"}, "goes with --parallel ddp or fsdp"),
        ({"optimizer": "adm"}, "closest: adam"),
        ({"loss": "mse"}, "labels|regression|outputs"),
        ({"set": {"momentum": 1}}, "no key 'momentum'"),
        ({"name": "../escape"}, "can't be called"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_left(settings, text):
    """An error names the remedy; no run appears."""
    with pytest.raises(UsageError, match=text):
        train(**settings)
    assert zoo.list_runs() == []


class Hiding(nn.Module):
    """A network whose layers sit in a plain list."""

    def __init__(self):
        super().__init__()
        self.layers = [nn.Linear(2, 8), nn.Linear(8, 2)]
        self.head = nn.Linear(2, 2)

    def forward(self, x):
        return self.head(self.layers[1](self.layers[0](x)))


class Alias(nn.Module):
    """Layers that are registered, and listed as well: nothing is hidden."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(2, 8), nn.Linear(8, 2)
        self.order = [self.a, self.b]

    def forward(self, x):
        return self.order[1](self.order[0](x))


class Pair(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(2, 2)

    def forward(self, x):
        return self.a(x), x


class TestBeforeTheFirstStep:
    """What a mismatch would break is said first, with its remedy."""

    def test_modules_in_a_plain_list(self):
        with pytest.raises(InvalidOption, match="Hiding: layers is a plain container.*ModuleList"):
            train(Hiding())
        assert train(Alias()).state == "done"

    def test_samples_the_model_can_not_take(self):
        with pytest.raises(InvalidData, match=r"can't take samples of shape \(2,\)"):
            train(nn.Linear(5, 2))

    def test_outputs_that_do_not_fit_the_labels(self):
        with pytest.raises(
            InvalidData, match=r"shape \(2, 1\).*2 classes, so it should be \(2, 2\)"
        ):
            train(nn.Linear(2, 1))
        with pytest.raises(InvalidData, match="returns a tuple"):
            train(Pair())

    def test_a_last_batch_of_one_for_batchnorm(self):
        model = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
        data = zoo_registry.Splits(train=zoo.ArrayDataset(*blobs(33)))
        with pytest.raises(InvalidOption, match="a batch of one.*--batch-size 17"):
            train(model, data, batch_size=16)
        assert train(model, data, batch_size=17).state == "done"
        with pytest.raises(InvalidOption, match="a batch of one"):
            train(model, data, batch_size=1)

    def test_batchnorm_over_images_trains_on_one(self):
        model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(12, 2))
        samples = np.random.default_rng(0).normal(size=(5, 1, 4, 4)).astype(np.float32)
        data = zoo_registry.Splits(train=zoo.ArrayDataset(samples, [0, 1, 0, 1, 1]))
        assert train(model, data, batch_size=2).state == "done"

    def test_one_sample_for_batchnorm_has_no_remedy_but_more(self):
        model = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
        data = zoo_registry.Splits(train=zoo.ArrayDataset(np.zeros((1, 2)), [0.5]))
        with pytest.raises(InvalidOption, match="give it more samples"):
            train(model, data)

    def test_frozen_modules_may_lie_in_a_list(self):
        model = net()
        model.teachers = [net().requires_grad_(False)]
        assert train(model).state == "done"

    def test_a_models_own_assertion_is_one_line(self):
        class Picky(nn.Linear):
            def forward(self, x):
                assert x.shape[1] == 3, "three features please"
                return super().forward(x)

        with pytest.raises(InvalidData, match="Picky can't take .*: three features please"):
            train(Picky(2, 2))

    @pytest.mark.parametrize(
        ("loss", "text"),
        [
            (nn.CrossEntropyLoss(reduction="none"), "one number"),
            (nn.CrossEntropyLoss(weight=torch.ones(5)), "the loss can't take outputs"),
        ],
    )
    def test_a_loss_that_does_not_fit(self, loss, text):
        with pytest.raises(InvalidData, match=text):
            train(net(), loss=loss)
        assert zoo.list_runs() == []

    def test_a_loss_that_would_broadcast(self):
        samples, _ = blobs()
        with pytest.raises(InvalidData, match="target size"):
            train(nn.Linear(2, 1), (samples, samples[:, 0]), loss=nn.MSELoss())

    def test_a_model_for_another_task(self):
        images = np.zeros((20, 1, 8, 8), np.float32)
        with pytest.raises(InvalidOption, match="model for classification.*regression.*mlp"):
            train("mnist-cnn", (images, np.arange(20.0)))

    def test_options_that_a_builder_refuses(self):
        with pytest.raises(InvalidOption, match="optim/sgd refuses its options.*Nesterov"):
            train(optimizer="sgd", set={"optimizer.nesterov": True})

    def test_nothing_to_train(self):
        with pytest.raises(InvalidOption, match="no parameters to train"):
            train(nn.Flatten())

    def test_conversions_are_made_and_reported_once(self):
        notes = []

        class Notes(Silent):
            def note(self, text):
                notes.append(text)

        samples, labels = blobs()
        train(net(), (samples.astype(np.float64), labels.astype(np.int32)), progress=Notes())
        assert notes == [
            "labels are int32; used as int64, which cross-entropy takes",
            "samples are float64; used as float32, the model's dtype",
        ]

    def test_float_labels_for_classes_are_refused(self):
        samples, labels = blobs()
        with pytest.raises(UsageError, match="regression|float"):
            train(net(), (samples, labels + 0.5), loss="cross-entropy")

    def test_what_a_format_can_not_hold(self):
        model = net()
        model.register_buffer("phase", torch.zeros(2, dtype=torch.complex128))
        with pytest.raises(UsageError, match="phase"):
            train(model)

    def test_whole_numbers_reach_an_embedding(self):
        model = nn.Sequential(nn.Embedding(10, 4), nn.Flatten(), nn.Linear(12, 2))
        samples = np.random.default_rng(0).integers(0, 10, (40, 3))
        assert train(model, (samples, samples[:, 0] % 2)).state == "done"


class Exploding(nn.Module):
    """Finite for a number of steps, then not."""

    def __init__(self, steps):
        super().__init__()
        self.a, self.steps = nn.Linear(2, 2), steps

    def forward(self, x):
        if self.training:
            self.steps -= 1
        return self.a(x) * (math.nan if self.steps < 0 else 1.0)


class TestFailures:
    """What goes wrong in the middle leaves nothing half-done."""

    def test_a_loss_that_is_not_finite_stops_before_the_update(self):
        model = Exploding(steps=2)
        with pytest.raises(Diverged, match="nan at step 3 of 6.*--lr"):
            train(model)
        assert all(torch.isfinite(parameter).all() for parameter in model.parameters())
        (run,) = zoo.list_runs()
        assert (run.state, run.weights.exists()) == ("failed", False)

    def test_after_an_epoch_the_run_is_kept_as_failed(self):
        with pytest.raises(Diverged):
            train(Exploding(steps=4))
        (run,) = zoo.list_runs()
        assert run.state == "failed"
        assert "nan at step 5" in run.record["error"]
        assert len(run.history) == 1

    def test_no_memory_is_said_with_what_needs_less(self):
        class Greedy(nn.Linear):
            def forward(self, x):
                if self.training:
                    torch.empty(1 << 60)
                return super().forward(x)

        with pytest.raises(OutOfMemory, match="--batch-size"):
            train(Greedy(2, 2))

    @pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
    @pytest.mark.parametrize(
        ("number", "code", "cause"),
        [(signal.SIGINT, 130, "Ctrl-C"), (signal.SIGTERM, 75, "SIGTERM")],
    )
    def test_a_signal_ends_it_after_the_step_with_the_weights_stored(self, number, code, cause):
        class Signalling(nn.Linear):
            steps = 0

            def forward(self, x):
                self.steps += self.training
                if self.steps == 5 and self.training:
                    os.kill(os.getpid(), number)
                return super().forward(x)

        model = Signalling(2, 2)
        with pytest.raises(Stopped, match=f"stopped by {cause}; step 5 of 27 is stored") as stopped:
            train(model, epochs=9)
        assert stopped.value.exit_code == code
        (run,) = zoo.list_runs()
        assert run.state == "stopped"
        last = load_file(checkpoints(run.path)[0] / MODEL)
        assert torch.equal(last["weight"], model.weight)
        assert run.weights.exists()

    def test_a_second_signal_is_not_caught(self):
        with interrupts() as interrupt:
            os.kill(os.getpid(), signal.SIGINT)
            assert interrupt
            with pytest.raises(KeyboardInterrupt):
                os.kill(os.getpid(), signal.SIGINT)

    def test_several_threads_can_train_at_once(self):
        results = []
        threads = [
            threading.Thread(target=lambda n=n: results.append(train(epochs=n).state))
            for n in (1, 3, 5)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == ["done"] * 3
        assert len({run.name for run in zoo.list_runs()}) == 3

    def test_a_screen_that_fails_leaves_no_run(self):
        class Gone(Silent):
            def started(self, facts):
                raise BrokenPipeError

        with pytest.raises(BrokenPipeError):
            train(progress=Gone())
        assert zoo.list_runs() == []

    @pytest.mark.skipif(sys.platform == "win32", reason="needs resource limits")
    def test_a_full_disk_leaves_nothing_behind(self):
        import resource

        train(name="earlier")
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4000, limits[1]))
        try:
            with pytest.raises(zoo.ZooError, match="model.safetensors"):
                train(nn.Sequential(nn.Linear(2, 999), nn.Linear(999, 2)))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, handler)
        assert [run.name for run in zoo.list_runs()] == ["earlier"]
        assert len(list(zoo.list_runs()[0].path.parent.iterdir())) == 1


TRACKER = """
from pathlib import Path

from zoo_registry import hookimpl

SEEN = Path(__file__).with_name("seen.txt")

def say(text):
    with SEEN.open("a") as file:
        file.write(text + "\\n")

@hookimpl
def zoo_run_started(run):
    say(f"started {run.name} {run.state}")

@hookimpl
def zoo_epoch_ended(run, epoch, metrics):
    say(f"epoch {epoch} {sorted(metrics)}")
    raise RuntimeError("tracker is down")

@hookimpl
def zoo_checkpoint_saved(path):
    say(f"saved {path.name} {path.exists()}")

@hookimpl
def zoo_run_ended(run, outcome):
    say(f"ended {outcome} {run.state}")
"""


@pytest.fixture
def tracker(tmp_path, monkeypatch):
    """An installed plugin that notes what it is told, and fails at each epoch."""
    folder = tmp_path / "site"
    info = folder / "tracker-2.0.dist-info"
    info.mkdir(parents=True)
    (folder / "tracker_plugin.py").write_text(TRACKER)
    (info / "METADATA").write_text("Name: tracker\nVersion: 2.0\n")
    (info / "entry_points.txt").write_text("[zoo]\ntracker = tracker_plugin\n")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "tracker_plugin", raising=False)
    monkeypatch.setattr("zoo.api.registry", zoo_registry.load)
    return folder / "seen.txt"


def test_life_cycle_hooks_are_told_and_may_fail(tracker, capsys):
    """The run goes on; the fault is said once and is in the run's record."""
    run = train(progress=True)
    assert run.state == "done"
    metrics = "['accuracy', 'loss', 'train_accuracy', 'train_loss']"
    seen = tracker.read_text().splitlines()
    assert seen[0] == "started sequential-arrays-1 running"
    assert f"epoch 1 {metrics}" in seen
    assert f"epoch 2 {metrics}" in seen
    assert "saved model.safetensors True" in seen
    assert seen[-1] == "ended done done"
    fault = "zoo_epoch_ended: RuntimeError: tracker is down"
    assert run.record["plugin_failures"] == {"tracker": fault}
    assert capsys.readouterr().err.count(f"plugin tracker (tracker 2.0) failed in {fault}") == 1


def test_a_plugin_that_is_broken_is_named_by_a_training(tracker, capsys):
    """It may have been meant to follow this one; nobody lists plugins before each."""
    (tracker.parent / "tracker_plugin.py").write_text("raise OSError('no server')")
    assert train(progress=True).state == "done"
    said = "plugin tracker (tracker 2.0) is broken: OSError: no server"
    assert capsys.readouterr().err.splitlines().count(said) == 1


def test_a_hook_is_told_of_a_failed_run(tracker):
    """Also where the run left nothing."""
    with pytest.raises(Diverged):
        train(Exploding(steps=0))
    assert tracker.read_text().splitlines()[-1].startswith("ended failed")


@pytest.mark.parametrize(
    ("labels", "loss", "metric"),
    [
        (lambda x: x[:, 0] - x[:, 1], "mse", "r2"),
        (lambda x: np.stack([x[:, 0], x[:, 1] ** 2], 1), "huber", "r2"),
        (lambda x: (x > 0).astype(int), "bce-with-logits", "f1"),
    ],
)
def test_every_task_is_learned(labels, loss, metric):
    """Regression of one and of two targets, and several labels at once."""
    samples = np.random.default_rng(1).normal(size=(400, 2)).astype(np.float32)
    width = np.atleast_2d(labels(samples).T).shape[0]
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, width))
    named = {"loss": loss} if loss == "huber" else {}
    run = train(model, (samples, labels(samples)), epochs=40, lr=0.02, **named)
    assert run.recipe["loss"] == f"optim/{loss}"
    assert run.metrics[metric] > 0.9


def test_plateau_sees_the_monitored_metric():
    """The scheduler that waits for the metric lowers the rate when it does not move."""
    run = train(
        epochs=6,
        optimizer="sgd",
        lr=1e-9,
        scheduler="plateau",
        set={"scheduler.patience": 1, "scheduler.factor": 0.5},
    )
    rates = [row["lr"] for row in run.history]
    assert rates[-1] < rates[0]


def test_a_recipe_is_stored_as_it_was_used():
    """The TOML in the folder names everything, device and monitor included."""
    run = train(set={"optimizer.weight_decay": 0.25})
    recipe = tomllib.loads((run.path / "recipe.toml").read_text())
    assert recipe == run.recipe
    assert recipe["options"] == {"optimizer": {"weight_decay": 0.25, "fused": True}}
    assert (recipe["device"], recipe["monitor"]) == ("cpu", "accuracy:max")


def test_a_loss_of_ones_own():
    """Any module from outputs and targets to a mean."""
    assert train(loss=nn.MultiMarginLoss()).recipe["loss"] == "object:multi-margin-loss"


def test_the_metrics_of_an_epoch_are_of_that_epoch():
    """Those on the training split too: nothing of the epochs before is in them."""
    model = nn.Linear(2, 2)
    samples, labels = map(torch.from_numpy, blobs(48))
    splits = zoo_registry.Splits(train=zoo.ArrayDataset(samples, labels))
    run = train(model, splits, epochs=3, lr=1e-30, optimizer="sgd")
    losses = [row["train_loss"] for row in run.history]
    assert losses[1:] == pytest.approx([losses[0]] * 2, rel=1e-6)
    fast = train(nn.Linear(2, 2), splits, epochs=3, lr=1.0, optimizer="sgd")
    measured = zoo.train(model, splits, epochs=1, lr=1e-30, optimizer="sgd", progress=False)
    assert measured.history[0]["train_loss"] == pytest.approx(losses[0], rel=1e-6)
    assert fast.history[-1]["train_loss"] < fast.history[0]["train_loss"] / 2
