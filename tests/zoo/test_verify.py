"""`zoo verify train` shows that the promises hold, and finds out models for which they can't."""

import json
import math
import multiprocessing
import os
import subprocess
import sys
import textwrap

import click.testing
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.utils.data import Dataset, Subset

import zoo
from zoo._registry import registry
from zoo.cli._main import cli
from zoo.data import ArrayDataset
from zoo.errors import UnknownName
from zoo.training._gradients import Gradients
from zoo.verify import Proof
from zoo.verify._jobs import prepared
from zoo.verify._parts import prove_data_parallel, prove_parts
from zoo.verify._proof import ROUNDING, gap, metrics_gap
from zoo.verify._ranks import prove_ranks
from zoo.verify._still import still
from zoo.verify._subject import Subject, excerpt
from zoo.verify._twice import prove_twice
from zoo.verify._workers import prove_workers

FORKS = multiprocessing.get_all_start_methods()[0] == "fork"

PLUGIN = """
    from zoo_registry import LossSpec, ModelSpec, hookimpl

    @hookimpl
    def zoo_models():
        return [
            ModelSpec(name=name, build=f"odd_zoo.nets:{name.title()}", summary=name)
            for name in ("mixing", "moody", "recurrent", "leaky")
        ]
"""
NETS = """
    import os
    import torch
    from torch import nn
    from torch.nn import functional

    class Mixing(nn.Module):
        def __init__(self, in_features: int, num_classes: int):
            super().__init__()
            self.layer = nn.Linear(in_features, num_classes)

        def forward(self, samples):
            outputs = self.layer(samples.flatten(1))
            return outputs - outputs.mean(0)

    class Moody(Mixing):
        def forward(self, samples):
            mood = torch.tensor(list(os.urandom(1))) / 2560
            return self.layer(samples.flatten(1)) * (1 + mood)

    class Recurrent(nn.Module):
        def __init__(self, in_features: int, num_classes: int):
            super().__init__()
            self.recurrent = nn.LSTM(1, 5, num_layers=2, dropout=0.5, batch_first=True)
            self.layer = nn.Linear(5, num_classes)

        def forward(self, samples):
            return self.layer(self.recurrent(samples.flatten(1).unsqueeze(2))[0][:, -1])

    class Leaky(Mixing):
        def forward(self, samples):
            return self.layer(functional.dropout(samples.flatten(1), 0.5, self.training))
"""


@pytest.fixture
def odd(tmp_path, monkeypatch):
    """A plugin of models with peculiarities, in this process and those that it starts."""
    site = tmp_path / "site"
    (site / "odd_zoo").mkdir(parents=True)
    for name, source in {"__init__": "", "plugin": PLUGIN, "nets": NETS}.items():
        (site / "odd_zoo" / f"{name}.py").write_text(textwrap.dedent(source))
    info = site / "odd-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: odd\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[zoo]\nodd = odd_zoo.plugin\n")
    monkeypatch.syspath_prepend(site)
    registry.cache_clear()
    yield site
    registry.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0] == "odd_zoo"]:
        del sys.modules[name]


@pytest.fixture
def table(tmp_path):
    """Writes an npz of a task's samples (N, 4) and labels; returns its name."""

    def write(labels):
        samples = np.random.default_rng(0).normal(size=(len(labels), 4)).astype(np.float32)
        np.savez(tmp_path / "table.npz", x=samples, y=labels)
        return f"npz:{tmp_path / 'table.npz'}"

    return write


def read(model, dataset="digits", **settings):
    settings = {"model": model, "dataset": dataset, "device": "cpu", "batch_size": 24, **settings}
    return Subject.read(settings, None, silent)


def silent(_text):
    pass


def failed(proofs):
    return [proof.name for proof in proofs if not proof.holds]


class TestCommand:
    """As a user types it."""

    def test_every_promise_holds_for_a_model_of_ours(self):
        """On real ranks and workers; nothing is stored."""
        arguments = ["mnist-cnn", "--dataset", "digits", "--device", "cpu", "--batch-size", "32"]
        done = click.testing.CliRunner().invoke(cli, ["verify", "train", *arguments, "--json"])
        assert done.exit_code == 0, done.output
        rows = {row["name"]: row for row in json.loads(done.stdout)}
        tried = {name for name, row in rows.items() if row["difference"] is not None}
        assert tried >= {
            "accumulate=7, a ragged batch",
            "micro-batches, out of memory twice",
            "DDP with 2 ranks, a ragged batch",
            "DDP with 3 ranks, a whole batch",
            "evaluation on 2 ranks",
            "evaluation on 3 ranks",
            "the same seed twice, 10 steps: the same bytes",
        }
        assert {rows[name]["verdict"] for name in tried} == {"ok"}
        assert all(rows[name]["difference"] <= rows[name]["tolerance"] for name in tried)
        assert zoo.list_runs() == []

    @pytest.mark.skipif(sys.platform == "win32", reason="ranks need gloo and signals")
    def test_a_model_that_mixes_the_samples_of_a_batch_is_found_out(self, odd):
        """The table says where, the exit code that, and the error what not to use."""
        path = os.pathsep.join([str(odd), *filter(None, [os.environ.get("PYTHONPATH")])])
        asked = ["mixing", "--dataset", "digits", "--device", "cpu", "--batch-size", "24"]
        done = subprocess.run(
            [sys.executable, "-m", "zoo", "verify", "train", *asked],
            env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1, done.stderr
        lines = done.stdout.splitlines()
        assert lines[0].split() == ["PROOF", "TOLERANCE", "FOUND", "VERDICT"]
        verdicts = {line.partition("  ")[0]: line.rpartition("  ")[2].strip() for line in lines[1:]}
        assert verdicts["accumulate=2, a whole batch"] == "FAILED"
        assert verdicts["DDP with 2 ranks, a ragged batch"] == "FAILED"
        assert verdicts["the same seed twice, 10 steps: the same bytes"] == "ok"
        assert "gradients in parts …" in done.stderr
        said = done.stderr[done.stderr.index("zoo: ") :]
        assert "don't rely on: --set accumulate, " in said
        assert "--parallel ddp --ranks 2" in said
        assert "--workers" not in said
        assert len(said.splitlines()) <= 3
        assert zoo.list_runs() == []

    def test_what_is_mistyped_is_answered_as_by_train(self):
        """With the nearest name and exit code 2."""
        done = click.testing.CliRunner().invoke(cli, ["verify", "train", "mnist-cn"])
        assert isinstance(done.exception, UnknownName)
        assert "closest: mnist-cnn" in str(done.exception)


class TestParts:
    """Gradients in one process."""

    def test_ties_between_equal_values_are_no_fault_of_the_parts(self):
        """Identity kernels on flat images leave it to roundings where a gradient goes."""
        assert failed(prove_parts(read("cifar10-speed"), silent)) == []

    @pytest.mark.parametrize("model", ["recurrent", "leaky"])
    def test_what_is_dropped_out_is_no_fault_of_the_parts(self, odd, model):
        """Neither within a recurrent layer nor by a function that asks whether it is training."""
        assert failed(prove_parts(read(model), silent)) == []

    def test_averaging_parts_of_different_sizes_is_found_out(self, monkeypatch):
        """The mean of the parts' means is not that of the batch; the tolerance tells them apart."""

        def averaged(self, batch, samples):
            return 1 / self.parts

        monkeypatch.setattr(Gradients, "_factor", averaged)
        proofs = {proof.name: proof for proof in prove_parts(read("mlp"), silent)}
        ragged = [proof for name, proof in proofs.items() if name.endswith("a ragged batch")]
        assert len(ragged) == 3
        assert all(proof.difference > 10 * ROUNDING for proof in ragged)
        assert proofs["micro-batches of one sample"].holds

    def test_keeping_what_a_failed_pass_left_is_found_out(self, monkeypatch):
        """Its gradients would count twice."""

        def keep(self, batch):
            self.parts = min(2 * self.parts, len(batch.samples))

        monkeypatch.setattr(Gradients, "_split", keep)
        assert failed(prove_parts(read("mlp"), silent)) == ["micro-batches, out of memory twice"]

    @pytest.mark.skipif(torch.cuda.device_count() > 1, reason="there are several GPUs")
    def test_what_can_not_be_tried_is_no_failure(self):
        """One line says why."""
        proof = prove_data_parallel(read("mlp"))
        assert proof.holds
        assert proof.verdict.startswith("skipped: there ")

    @pytest.mark.gpu
    @pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs several GPUs")
    def test_all_gpus_compute_the_gradients_of_one(self):
        """DataParallel gathers outputs, so the mean is that of the batch."""
        proof = prove_data_parallel(read("mnist-cnn", device="cuda"))
        assert proof.difference is not None
        assert proof.holds


class TestBytes:
    """What must be the same to the bit."""

    def test_a_model_with_moods_does_not_repeat_itself(self, odd):
        """What it draws, no seed reaches."""
        assert prove_twice(read("mlp")).verdict == "ok"
        assert prove_twice(read("moody")).verdict == "FAILED"

    @pytest.mark.skipif(not FORKS, reason="worker processes don't start by forking here")
    def test_augmentation_is_the_same_for_any_number_of_workers(self):
        """It draws by the sample, not by who reads it."""
        proof = prove_workers(read("mnist-cnn", **{"augment.crop": 2, "augment.mixup": 0.4}))
        assert (proof.verdict, proof.difference) == ("ok", 0.0)

    def test_the_callers_random_state_and_torchs_settings_are_left_alone(self):
        """A proof changes nothing outside."""
        torch.manual_seed(3)
        expected = torch.rand(4)
        torch.manual_seed(3)
        prove_twice(read("mlp"))
        assert torch.equal(torch.rand(4), expected)


@pytest.mark.skipif(sys.platform == "win32", reason="ranks need gloo and signals")
def test_ranks_measure_a_regression_as_one_process_does(table):
    """Variances of their shares are merged: they don't add up."""
    targets = np.random.default_rng(1).normal(size=(233, 2)).astype(np.float32) + 100
    proofs = list(prove_ranks(read("mlp", table(targets)), 2, silent))
    assert [proof.name for proof in proofs] == [
        "DDP with 2 ranks, a whole batch",
        "DDP with 2 ranks, a ragged batch",
        "evaluation on 2 ranks",
    ]
    assert failed(proofs) == []


class Items(Dataset):
    """Reads one sample at a time."""

    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return torch.tensor([float(index)]), index


class Whole(Items):
    """Reads batches too."""

    def batch(self, indices):
        return indices.float().unsqueeze(1), indices


class TestExcerpt:
    """Proofs look at a few batches, whatever the size of the dataset."""

    @given(
        kind=st.sampled_from([Items, Whole, ArrayDataset]),
        count=st.integers(2, 60),
        wanted=st.integers(2, 70),
    )
    def test_it_has_samples_from_all_over_the_set(self, kind, count, wanted):
        """Sorted by class, its beginning would be of one class; read in the set's own way."""
        split = ArrayDataset(*Whole(count).batch(torch.arange(count)))
        split = split if kind is ArrayDataset else kind(count)
        few = excerpt(split, wanted)
        assert len(few) == min(count, wanted)
        labels = [int(few[index][1]) for index in range(len(few))]
        assert labels == sorted(set(labels))
        assert (labels[0], labels[-1]) == (0, count - 1)
        assert hasattr(few, "batch") == hasattr(split, "batch")
        if hasattr(few, "batch"):
            order = torch.randperm(len(few))
            samples, found = few.batch(order)
            assert found.tolist() == [labels[index] for index in order]
            assert samples[:, 0].tolist() == found.tolist()
        if kind is ArrayDataset:
            assert type(few) is ArrayDataset

    def test_the_model_is_made_for_the_whole_set(self, table):
        """Its classes and task, also those that the few samples do not show."""
        labels = np.zeros(5000, dtype=np.int64)
        labels[17], labels[1234] = 1, 6
        subject = read("mlp", table(labels), batch_size=8)
        assert subject.splits.train.batch(torch.arange(80))[1].max() == 0
        with prepared(subject) as (job, _):
            assert job.facts.num_classes == 7
            assert job.model(torch.randn(2, 4)).shape == (2, 7)

    def test_the_same_samples_one_by_one_have_no_batch(self):
        """So that workers have to read them."""
        subject = read("mlp")
        items = subject.one_by_one(10).splits
        assert isinstance(items.train, Subset)
        assert not hasattr(items.train, "batch")
        assert len(items.train) == 10
        assert torch.equal(items.train[3][0], subject.splits.train[3][0])

    def test_another_dataset_than_the_models_first_is_said(self, tmp_path):
        """As in a training."""
        said = []
        Subject.read({"model": "mnist-cnn", "device": "cpu"}, tmp_path, said.append)
        assert len(said) == 1
        assert "training on digits" in said[0]


def test_nothing_is_left_to_chance_and_norms_are_as_asked_for():
    """Statistics of a batch for ranks, which share them; running ones for parts."""
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(), nn.LSTM(4, 4, 2))
    net[3].dropout = 0.5
    still(net, norms=False)
    assert [module.training for module in net] == [False, False, False, True]
    assert net[3].dropout == 0
    still(net, norms=True)
    assert [module.training for module in net] == [False, True, False, True]


@pytest.mark.parametrize(
    ("difference", "verdict", "holds"),
    [
        (1e-5, "ok", True),
        (1e-2, "FAILED", False),
        (math.inf, "FAILED", False),
        (None, "skipped: why", True),
    ],
)
def test_a_difference_beyond_the_tolerance_fails(difference, verdict, holds):
    """And what could not be tried is neither."""
    proof = Proof(name="x", tolerance=1e-4, difference=difference, setting="--x", skipped="why")
    assert (proof.verdict, proof.holds) == (verdict, holds)


@given(place=st.integers(0, 2), value=st.sampled_from([math.nan, math.inf]), found=st.booleans())
def test_what_is_not_a_number_is_as_far_away_as_can_be(place, value, found):
    """In whichever tensor it is, on whichever side."""
    sides = [[torch.ones(2), torch.zeros(0), torch.ones(1), torch.ones(3)] for _ in range(2)]
    assert gap(*sides) == 0
    sides[found][(0, 2, 3)[place]][-1] = value
    assert gap(*sides) == math.inf


def test_each_tensor_is_compared_with_its_own_size():
    """However small it is beside the largest, down to where gradients are nothing but rounding."""
    large, small, rounding = torch.tensor([-4.0, 1.0]), torch.tensor([0.1]), torch.tensor([1e-9])
    expected = [rounding, small, large]
    assert gap([rounding, 2 * small, large], expected) == pytest.approx(1)
    assert gap([rounding, small, torch.tensor([-4.0, 1.2])], expected) == pytest.approx(0.05)
    assert gap([-rounding, small, large], expected) == pytest.approx(2e-9 / 0.04)
    assert gap([torch.tensor([0.5])], [torch.zeros(1)]) == 0.5


@given(size=st.floats(1e-4, 1), scale=st.floats(1e-3, 1e3))
def test_a_gradient_that_was_lost_is_found_in_a_tensor_of_any_size(size, scale):
    """A hundred times below that floor, too, and whatever the scale of all of them."""
    expected = [torch.tensor([scale]), torch.tensor([size * scale, 0.0])]
    assert gap([expected[0], torch.zeros(2)], expected) > ROUNDING


@given(noise=st.floats(0, 1e-6))
def test_what_is_nothing_but_rounding_says_nothing(noise):
    """The gradient of a bias before a batch norm is 0, and computed as sums of roundings."""
    expected = [torch.tensor([1.0]), torch.tensor([noise])]
    assert gap([expected[0], torch.tensor([-noise])], expected) < ROUNDING


def test_metrics_are_compared_each_with_itself():
    """Losses by their size; shares, which are 1 at best, as they are."""
    assert metrics_gap({"loss": 202.0, "accuracy": 0.5}, {"loss": 200.0, "accuracy": 0.5}) == 0.01
    assert metrics_gap({"r2": 3e-7}, {"r2": 1e-7}) == pytest.approx(2e-7)
    assert metrics_gap({"r2": -110.0}, {"r2": -100.0}) == pytest.approx(0.1)
    assert metrics_gap({"r2": math.nan}, {"r2": math.nan}) == 0
    assert metrics_gap({"loss": math.nan}, {"loss": 1.0}) == math.inf
    assert metrics_gap({"loss": 0.5}, {"loss": 0.0}) == 0.5
