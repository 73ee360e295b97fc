"""What a recipe may ask of the loop, by its effect on real trainings."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

import zoo
import zoo_registry
from zoo.checkpoints import MODEL, checkpoints
from zoo.data import InputSpec, Prepare, epoch_order
from zoo.errors import InvalidOption, OutOfMemory
from zoo.reporting import Silent
from zoo.training import resolve_precision


def blobs(count=60):
    """Two classes that a line separates: float32 (N, 2), int64 (N,)."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, count)
    return (rng.normal(size=(count, 2)) + 3 * labels[:, None]).astype(np.float32), labels


def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 2))


def train(model=None, dataset=None, **settings):
    settings = {"epochs": 2, "batch_size": 16, "device": "cpu", "progress": False, **settings}
    return zoo.train(
        net() if model is None else model, blobs() if dataset is None else dataset, **settings
    )


class Notes(Silent):
    """Remembers what a user is told."""

    def __init__(self):
        self.said = []

    def note(self, text):
        self.said.append(text)


def assert_same(first, second, tolerance=1e-5):
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("accumulate", [2, 3, 16])
def test_accumulation_trains_as_whole_batches_do(accumulate):
    """Ragged parts and a ragged last batch included, class weights too."""
    weights = {"loss.weight": [1.0, 5.0]}
    whole, parts = net(), net()
    train(whole, set=weights, optimizer="sgd", lr=0.1)
    run = train(parts, set=weights, optimizer="sgd", lr=0.1, accumulate=accumulate)
    assert_same(whole, parts)
    assert run.history[-1]["step"] == 6


def test_gradients_are_clipped_to_the_norm():
    """By the norm of all of them together, as in plain torch."""
    model, reference = net(), net()
    samples, labels = map(torch.from_numpy, blobs(32))
    data = zoo_registry.Splits(train=zoo.ArrayDataset(samples, labels))
    train(model, data, epochs=1, optimizer="sgd", lr=1.0, clip_norm=0.05)
    for batch in epoch_order(32, 0, 1).split(16):
        reference.zero_grad()
        nn.functional.cross_entropy(reference(samples[batch]), labels[batch]).backward()
        nn.utils.clip_grad_norm_(reference.parameters(), 0.05)
        with torch.no_grad():
            for parameter in reference.parameters():
                parameter.sub_(parameter.grad)
    assert_same(model, reference)


class Limited(nn.Module):
    """Runs out of memory on more than a number of samples, as CUDA does."""

    def __init__(self, most):
        super().__init__()
        self.inner, self.most, self.sizes = net(), most, []

    def forward(self, samples):
        self.sizes.append((self.training, len(samples)))
        if len(samples) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return self.inner(samples)


def test_out_of_memory_splits_the_batch_and_changes_nothing_else():
    """Same weights, same number of steps, said once, recorded; later batches are split at once."""
    plain, limited, notes = net(), Limited(most=4), Notes()
    train(plain, optimizer="sgd", lr=0.1)
    run = train(limited, optimizer="sgd", lr=0.1, progress=notes)
    assert_same(plain, limited.inner)
    assert run.history[-1]["step"] == 6
    assert run.record["micro_batches"] == 4
    assert [text for text in notes.said if "out of memory" in text] == [
        "out of memory: batches of 16 samples are computed in 2 parts from here on; their "
        "gradients, and the steps, stay the same",
        "out of memory: batches of 16 samples are computed in 4 parts from here on; their "
        "gradients, and the steps, stay the same",
    ]
    trained = [size for training, size in limited.sizes if training]
    assert [size for size in trained if size > 4] == [16, 8]


class LimitedBackward(nn.Module):
    """Runs out of memory in the backward pass of more than a number of samples."""

    def __init__(self, most):
        super().__init__()
        self.inner, self.most = net(), most

    def forward(self, samples):
        outputs = self.inner(samples)
        if self.training and len(samples) > self.most:
            outputs.register_hook(self.fail)
        return outputs

    @staticmethod
    def fail(_gradient):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


def test_memory_that_runs_out_in_a_backward_pass_counts_no_step_twice():
    """Its loss was known already; weights and steps are those of the whole batch all the same."""
    plain, limited = net(), LimitedBackward(most=4)
    expected = train(plain, optimizer="sgd", lr=0.1)
    run = train(limited, optimizer="sgd", lr=0.1)
    assert_same(plain, limited.inner)
    assert [row["step"] for row in run.history] == [row["step"] for row in expected.history]
    assert run.record["micro_batches"] == 4


def test_one_sample_that_does_not_fit_is_an_error():
    """There is nothing left to split; what would help is said."""
    with pytest.raises(OutOfMemory, match="--batch-size"):
        train(Limited(most=0).train(), batch_size=2)


def test_training_stops_early_where_nothing_improves():
    """After the epochs without a better one; the run is done, and says so."""
    notes = Notes()
    run = train(
        epochs=9, optimizer="sgd", lr=1e-12, early_stop=2, monitor="accuracy", progress=notes
    )
    assert (run.state, len(run.history), run.record["best_epoch"]) == ("done", 3, 1)
    assert run.record["stopped_early"] is True
    assert notes.said[-1] == "stopped early: accuracy was best in epoch 1, 2 ago"


def test_balanced_class_weights_come_from_the_labels():
    """A class weighs n / (K n_k), written into the recipe as numbers."""
    samples = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
    labels = np.repeat([0, 1], [30, 10])
    data = zoo_registry.Splits(train=zoo.ArrayDataset(samples, labels))
    run = train(net(), data, set={"loss.weight": "balanced"})
    assert run.recipe["options"]["loss"]["weight"] == [40 / 60, 2.0]
    with pytest.raises(InvalidOption, match="balanced is for classification"):
        train(
            nn.Linear(2, 1),
            (samples, samples[:, 0]),
            set={"loss.weight": "balanced"},
        )


def test_the_fused_optimizer_is_chosen_and_recorded():
    """Where torch has one, and the user chose no other implementation."""
    assert train(optimizer="adam").recipe["options"]["optimizer"] == {"fused": True}
    plain = train(optimizer="adam", set={"optimizer.foreach": True})
    assert plain.recipe["options"]["optimizer"] == {"foreach": True}
    assert "options" not in train(optimizer="adamax").recipe


class Words(nn.Module):
    """Embeds three words, with sparse gradients."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.embedding = nn.Embedding(9, 4, sparse=True)
        self.head = nn.Linear(4, 2)

    def forward(self, words):
        return self.head(self.embedding(words.long()).mean(1))


class Waves(nn.Module):
    """Has a weight of complex numbers."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.waves = nn.Parameter(torch.randn(2, 2, dtype=torch.complex64))

    def forward(self, samples):
        return (samples.to(torch.complex64) @ self.waves).abs()


def sentences(count=40):
    """Words of 0 to 8, class 1 where most are large: int64 (N, 3), int64 (N,)."""
    words = np.random.default_rng(0).integers(0, 9, (count, 3))
    return words, (words.mean(1) > 4).astype(np.int64)


@pytest.mark.parametrize("optimizer", ["sgd", "adagrad"])
@pytest.mark.filterwarnings("ignore:Sparse invariant checks")  # of torch's own Adagrad
def test_sparse_gradients_are_trained_as_plain_torch_does(optimizer):
    """No fused kernel takes them, and those of torch that do are none the worse."""
    words, classes = sentences(32)
    model, twin = Words(), Words()
    data = zoo_registry.Splits(train=zoo.ArrayDataset(words, classes))
    run = train(model, data, epochs=1, optimizer=optimizer, lr=0.1)
    plain = {"sgd": torch.optim.SGD, "adagrad": torch.optim.Adagrad}[optimizer]
    steps = plain(twin.parameters(), lr=0.1)
    for batch in epoch_order(32, 0, 1).split(16):
        steps.zero_grad()
        loss = nn.functional.cross_entropy(
            twin(torch.from_numpy(words)[batch]), torch.from_numpy(classes)[batch]
        )
        loss.backward()
        steps.step()
    assert_same(model, twin)
    assert "options" not in run.recipe


@pytest.mark.parametrize("optimizer", [None, "sgd", "adam"])
def test_complex_weights_are_trained(optimizer):
    """No fused kernel takes them; the default optimizer does without."""
    model = Waves()
    run = train(model, optimizer=optimizer, lr=0.1)
    assert not torch.equal(model.waves, Waves().waves)
    assert "options" not in run.recipe


def test_what_is_frozen_does_not_keep_the_others_from_the_fused_kernel():
    """Only what is trained is given to the optimizer."""
    run = train(Words(), sentences(), optimizer="sgd", freeze=["embedding"])
    assert run.recipe["options"]["optimizer"] == {"fused": True}


class TestPrecision:
    """What is asked for, on this machine."""

    def test_auto_is_full_precision_for_small_matrices(self):
        assert train().recipe["precision"] == "fp32"
        assert resolve_precision("auto", torch.device("cpu"), net().double()) == "fp32"

    @pytest.mark.parametrize("precision", ["bf16", "fp16"])
    def test_half_precision_learns_and_weights_stay_float32(self, precision):
        model = net()
        run = train(model, precision=precision, epochs=8, lr=0.05)
        assert run.recipe["precision"] == precision
        assert run.metrics["accuracy"] > 0.9
        assert {value.dtype for value in load_file(run.weights).values()} == {torch.float32}

    def test_half_precision_really_is(self):
        seen = []
        model = net()
        model[0].register_forward_hook(lambda _m, _i, outputs: seen.append(outputs.dtype))
        train(model, precision="bf16")
        assert torch.bfloat16 in seen

    def test_a_model_of_doubles_keeps_them(self):
        with pytest.raises(InvalidOption, match="models in float32"):
            train(net().double(), precision="bf16")

    def test_a_slip_is_answered_with_what_there_is(self):
        with pytest.raises(
            InvalidOption, match="precision is one of auto, fp32, bf16, fp16, not 'bf61'"
        ):
            train(precision="bf61")


def seen_layouts(device):
    """Train a small net on `device`; return whether its images came channels last, and the run."""
    seen = []

    class Seeing(nn.Conv2d):
        def forward(self, images):
            seen.append(images.is_contiguous(memory_format=torch.channels_last))
            return super().forward(images)

    model = nn.Sequential(Seeing(3, 2, 3), nn.Flatten(), nn.Linear(2 * 6 * 6, 2))
    images = np.random.default_rng(0).integers(0, 256, (30, 3, 8, 8), dtype=np.uint8)
    run = train(model, (images, np.arange(30) % 2), device=device)
    fresh = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(2 * 6 * 6, 2))
    fresh.load_state_dict(load_file(checkpoints(run.path)[0] / MODEL))
    assert torch.equal(fresh[0].weight, model[0].weight.cpu())
    return set(seen)


def test_a_cpu_is_fed_images_as_they_are():
    """Its convolutions can crash on the other layout."""
    assert seen_layouts("cpu") == {False}


@pytest.mark.gpu
def test_a_gpu_is_fed_images_channels_last():
    """Its convolutions like them so; files know nothing of it."""
    assert seen_layouts("cuda") == {True}


def test_images_can_be_laid_out_channels_last():
    """Bytes and floats alike, with the values they have otherwise."""
    for dtype in ("uint8", "float32"):
        images = torch.randint(0, 256, (4, 3, 5, 6)).to(getattr(torch, dtype))
        spec = InputSpec(shape=(3, 5, 6), dtype=dtype)
        plain, last = (
            Prepare(
                spec, torch.device("cpu"), torch.float32, torch.int64, channels_last=channels_last
            ).samples(images)
            for channels_last in (False, True)
        )
        assert last.is_contiguous(memory_format=torch.channels_last)
        assert plain.is_contiguous()
        assert torch.equal(plain, last)


def test_more_parts_than_samples_are_refused():
    """With the batch size that would do."""
    with pytest.raises(InvalidOption, match="--batch-size 32 or more"):
        train(accumulate=32)


def test_parts_of_one_sample_are_refused_where_a_batch_norm_sees_one_value():
    """Said before the first step, as for batches of one."""
    model = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    data = zoo_registry.Splits(train=zoo.ArrayDataset(*blobs(34)))
    with pytest.raises(InvalidOption, match="16 samples, the last of 2, in 2 parts"):
        train(model, data, accumulate=2)
    assert train(model, data, accumulate=2, batch_size=17).state == "done"


def test_new_fields_are_in_the_recipe_file():
    """What the loop did can be done again."""
    run = train(accumulate=2, clip_norm=1.0, ema=0.5, early_stop=7, lr_scale={"0": 0.5})
    again = zoo.train(
        net(), blobs(), progress=False, set={k: v for k, v in run.recipe.items() if k not in PARTS}
    )
    assert again.recipe == run.recipe
    assert again.record["files"] == run.record["files"]
    assert json.loads((run.path / "run.json").read_text())["micro_batches"] == 2


PARTS = ("model", "dataset", "optimizer", "scheduler", "loss", "options")
