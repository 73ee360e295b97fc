"""The data path: arrays, order, batches, preparation, splits and what is found out about them."""

import multiprocessing

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch.utils.data import Dataset, Subset, TensorDataset

import zoo
from zoo.data import (
    ArrayDataset,
    Batches,
    InputSpec,
    Prepare,
    as_splits,
    default_workers,
    describe,
    epoch_order,
    mix,
    usable_cores,
)
from zoo.data._input import movable
from zoo.errors import BadSample, InvalidData, ZooError
from zoo_registry import Splits

CPU = torch.device("cpu")


class Items(Dataset):
    """Samples one at a time, with no `batch`."""

    def __init__(self, samples, labels):
        self.samples, self._labels = samples, labels

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        return self.samples[index], self._labels[index]


class Broken(Items):
    def __getitem__(self, index):
        if index == 3:
            raise OSError("the disk is gone")
        return super().__getitem__(index)


def batches_of(split, batch_size, *, seed=None, workers=0):
    spec = InputSpec(shape=(2,), dtype="float32")
    prepare = Prepare(spec, CPU, torch.float32, torch.int64)
    return Batches(split, batch_size, prepare, workers=workers, seed=seed)


def numbered(count):
    """Samples that name their own index."""
    samples = torch.arange(count, dtype=torch.float32).repeat(2, 1).T.contiguous()
    return samples, torch.arange(count)


def test_arrays_share_their_memory():
    """Numpy arrays and tensors are viewed, not copied."""
    samples = np.zeros((4, 2), np.float32)
    dataset = ArrayDataset(samples, torch.zeros(4))
    samples[1, 1] = 7
    assert dataset[1][0][1] == 7


def test_a_batch_is_the_items():
    """`batch` gathers what item by item would give, in the order asked for."""
    dataset = ArrayDataset(*numbered(5))
    samples, labels = dataset.batch(torch.tensor([4, 0, 4]))
    assert samples[:, 0].tolist() == [4, 0, 4] == labels.tolist()


@pytest.mark.parametrize(
    ("samples", "labels", "text"),
    [
        (np.array([object()]), [1], "dtype object"),
        (np.array(["a"]), [1], "dtype <U1"),
        ([[1, 2], [3]], [1, 2], "do not form one array"),
        ([1, 2], [1], "2 samples but 1 labels"),
        (3, [1], "first dimension"),
    ],
)
def test_what_is_no_array_is_refused(samples, labels, text):
    """Objects, texts, ragged rows and different lengths are said, not guessed at."""
    with pytest.raises(InvalidData, match=text):
        ArrayDataset(samples, labels)


@pytest.mark.parametrize("dtype", [">f4", ">i8", "u2", "u4", "u8", "longdouble", "f2", "?"])
def test_numbers_of_every_kind_arrive_with_their_values(dtype):
    """Byte order, unsigned and long types are converted without loss."""
    values = np.array([0, 1, 1, 0]).astype(dtype)
    assert ArrayDataset(values[:, None], values)[1][1] == 1


def test_numbers_beyond_int64_are_refused():
    """They would come out negative, from numpy and from torch alike."""
    for values in (np.array([2**63], np.uint64), torch.tensor([2**63], dtype=torch.uint64)):
        with pytest.raises(InvalidData, match="hold 9223372036854775808.*int64"):
            ArrayDataset([[0]], values)


@pytest.mark.parametrize(
    ("samples", "text"),
    [
        (torch.eye(2).to_sparse(), "samples are a sparse tensor.*to_dense"),
        (torch.zeros(2, 2, dtype=torch.complex64), "samples are complex"),
        (np.zeros((2, 2), complex), "dtype complex128"),
    ],
    ids=["sparse", "complex", "numpy"],
)
def test_what_no_model_takes_is_refused(samples, text):
    """Sparse and complex samples, with what to do."""
    with pytest.raises(InvalidData, match=text):
        ArrayDataset(samples, [0, 1])


def test_only_labels_can_be_names_of_classes():
    """The advice to number names is for labels, not for samples."""
    with pytest.raises(InvalidData, match="labels have dtype.*numpy.unique"):
        ArrayDataset([[0]], ["cat"])
    with pytest.raises(InvalidData, match="must be numbers$"):
        ArrayDataset([["cat"]], [0])


@pytest.mark.parametrize("dtype", [torch.uint16, torch.uint32, torch.uint64])
def test_unsigned_tensors_are_gathered(dtype):
    """Torch has few kernels for them, so they are held as int64."""
    dataset = ArrayDataset(torch.tensor([[1], [7]]).to(dtype), [0, 1])
    assert dataset.batch(torch.tensor([1]))[0].tolist() == [[7]]


@pytest.mark.gpu
def test_tensors_on_a_gpu_are_gathered_in_main_memory():
    """As all others are: the batches move, not the dataset."""
    samples, labels = numbered(4)
    dataset = ArrayDataset(samples.cuda(), labels.cuda())
    assert dataset.batch(torch.tensor([2]))[1].device.type == "cpu"


def test_float64_never_meets_an_apple_gpu():
    """Which has no such dtype; elsewhere it stays."""
    wide = torch.zeros(2, dtype=torch.float64)
    assert movable(wide, torch.device("mps")).dtype == torch.float32
    assert movable(wide, CPU) is wide


def test_a_read_only_or_reversed_array_is_taken():
    """No warning about memory that nobody writes to, no refusal of negative strides."""
    values = np.arange(6.0).reshape(3, 2)
    values.flags.writeable = False
    assert ArrayDataset(values[::-1], [0, 1, 2])[0][0].tolist() == [4, 5]


@given(st.integers(1, 200), st.integers(0, 2**40), st.integers(0, 100))
def test_an_epoch_is_a_permutation_that_depends_on_seed_and_epoch_only(count, seed, epoch):
    """Each index once; the same again whatever was drawn in between."""
    order = epoch_order(count, seed, epoch)
    torch.rand(3)
    assert sorted(order.tolist()) == list(range(count))
    assert torch.equal(order, epoch_order(count, seed, epoch))


def test_seeds_and_epochs_do_not_share_orders():
    """Neighbours differ, and seed 1 epoch 2 is not seed 2 epoch 1."""
    orders = {tuple(epoch_order(50, s, e).tolist()) for s in range(10) for e in range(10)}
    assert len(orders) == 100
    assert len({mix(a, b) for a in range(30) for b in range(30)}) == 900


@given(st.integers(1, 40), st.integers(1, 50), st.booleans())
def test_every_sample_comes_once_an_epoch(count, batch_size, whole):
    """Ragged last batch included, with `batch` and item by item alike."""
    split = ArrayDataset(*numbered(count)) if whole else Items(*numbered(count))
    found = list(batches_of(split, batch_size, seed=1).epoch(1))
    assert len(found) == len(batches_of(split, batch_size))
    assert sorted(torch.cat([batch.labels for batch in found]).tolist()) == list(range(count))
    for samples, labels, size in found:
        assert size == len(samples)
        assert torch.equal(samples[:, 0].long(), labels)


def test_workers_do_not_change_what_is_fed():
    """Two worker processes give the batches that none gives."""
    plain = list(batches_of(Items(*numbered(23)), 4, seed=5).epoch(2))
    batches = batches_of(Items(*numbered(23)), 4, seed=5, workers=2)
    for _ in range(2):  # the workers persist from one epoch to the next
        worked = list(batches.epoch(2))
        assert all(
            torch.equal(a, b)
            for p, w in zip(plain, worked, strict=True)
            for a, b in zip(p[:2], w[:2], strict=True)
        )
    batches.close()


@pytest.mark.parametrize("workers", [0, 1])
def test_a_sample_that_raises_is_named(workers):
    """One line with the index and the cause, from a worker too, and no traceback text."""
    batches = batches_of(Broken(*numbered(6)), 2, workers=workers)
    with pytest.raises(BadSample, match=r"^sample 3 can't be read \(OSError: the disk is gone\)$"):
        list(batches.epoch())
    batches.close()


class Dying(Items):
    def __getitem__(self, index):
        import os

        os._exit(3)


def test_a_worker_that_dies_is_said():
    """Its death is an error with a remedy, not a hang."""
    batches = batches_of(Dying(*numbered(4)), 2, workers=1)
    with pytest.raises(ZooError, match="a data worker died.*--workers"):
        list(batches.epoch())
    batches.close()


def test_samples_of_different_shapes_are_refused():
    """Both shapes are named."""
    split = Items([torch.zeros(2), torch.zeros(3)], [0, 1])
    with pytest.raises(InvalidData, match=r"\(2,\) and \(3,\)"):
        list(batches_of(split, 2).epoch())


def test_pil_images_become_bytes():
    """What torchvision's datasets give without a transform can be trained on."""
    grey, colour = Image.new("L", (4, 3), 7), Image.new("RGB", (4, 3), (1, 2, 3))
    assert batches_of(Items([grey], [0]), 1).head(1)[0].shape == (1, 1, 3, 4)
    assert batches_of(Items([colour], [0]), 1).head(1)[0].shape == (1, 3, 3, 4)


def test_bytes_are_scaled_and_normalised_per_channel():
    """`(x/255 - mean) / std`, as torchvision's ToTensor and Normalize do."""
    spec = InputSpec(shape=(3, 2, 2), dtype="uint8", mean=(0.5, 0.4, 0.3), std=(0.1, 0.2, 0.3))
    images = torch.randint(0, 256, (5, 3, 2, 2), dtype=torch.uint8)
    prepared = Prepare(spec, CPU, torch.float32, torch.int64).samples(images)
    mean = torch.tensor(spec.mean).view(3, 1, 1)
    std = torch.tensor(spec.std).view(3, 1, 1)
    torch.testing.assert_close(prepared, (images / 255 - mean) / std, atol=1e-5, rtol=1e-5)


def test_whole_numbers_for_an_embedding_stay_whole():
    """Dtype None leaves samples that are not bytes alone."""
    prepare = Prepare(InputSpec(shape=(2,), dtype="int64"), CPU, None, torch.int64)
    assert prepare.samples(torch.ones(1, 2, dtype=torch.int64)).dtype == torch.int64
    floats = Prepare(InputSpec(shape=(2,), dtype="float64"), CPU, None, torch.int64)
    assert floats.samples(torch.ones(1, 2, dtype=torch.float64)).dtype == torch.float32


class TestSplits:
    """What people hold in their hands becomes splits."""

    def test_a_fifth_is_held_out_and_nothing_is_in_both(self):
        splits = as_splits(numbered(50))
        train, test = splits.train.labels, splits.test.labels
        assert (len(train), len(test)) == (40, 10)
        assert sorted([*train.tolist(), *test.tolist()]) == list(range(50))

    def test_the_draw_depends_on_its_seed_only(self):
        again = [as_splits(numbered(50), seed=seed).test.labels.tolist() for seed in (0, 0, 1)]
        assert again[0] == again[1] != again[2]

    def test_datasets_and_pairs_of_them_are_taken(self):
        data = TensorDataset(*numbered(10))
        assert len(as_splits(data).test) == 2
        assert as_splits((data, Items(*numbered(3)))).test[2][1] == 2
        assert len(as_splits([*numbered(6), *numbered(3)]).test) == 3
        assert as_splits(data, test_fraction=0).test is None

    def test_a_tensor_dataset_gives_whole_batches(self):
        """Alone and in a pair; a subclass, which may read otherwise, is left as it is."""

        class Own(TensorDataset):
            pass

        data = TensorDataset(*numbered(10))
        for splits in (as_splits(data), as_splits((data, data))):
            assert isinstance(splits.train, ArrayDataset)
            assert isinstance(splits.test, ArrayDataset)
        assert isinstance(as_splits((Own(*numbered(3)), data)).train, Own)

    @pytest.mark.parametrize("data", [3, "digits", (1, 2, 3), {"x": 1}, None])
    def test_anything_else_is_refused_with_what_would_do(self, data):
        with pytest.raises(InvalidData, match="give a name"):
            as_splits(data)

    def test_too_few_samples_to_hold_any_out(self):
        with pytest.raises(InvalidData, match="too few"):
            as_splits(numbered(1))
        with pytest.raises(InvalidData, match="between 0 and 1"):
            as_splits(numbered(9), test_fraction=1.5)


class TestFacts:
    """The task, the sizes, and what would go wrong."""

    @pytest.mark.parametrize(
        ("labels", "task", "num_classes"),
        [
            ([0, 1, 2, 1], "classification", 3),
            (np.array([0, 1, 4, 1], np.uint8), "classification", 5),
            ([True, False, True, True], "classification", 2),
            ([0.5, 1.0, 2.0, 0.0], "regression", 1),
            ([[0.5, 1], [1, 2], [0, 1], [1, 1]], "regression", 2),
            ([[0, 1, 1], [1, 0, 0], [0, 0, 0], [1, 1, 1]], "multilabel", 3),
        ],
    )
    def test_labels_tell_the_task(self, labels, task, num_classes):
        facts = describe(Splits(train=ArrayDataset(np.zeros((4, 2)), labels)))
        assert (facts.task, facts.num_classes) == (task, num_classes)

    def test_a_task_that_is_named_rules(self):
        data = ArrayDataset(np.zeros((4, 2)), [0, 1, 2, 3])
        assert describe(Splits(train=data), ("regression",)).task == "regression"
        assert (
            describe(Splits(train=data, task="regression"), ("classification",)).task
            == "regression"
        )

    @pytest.mark.parametrize(
        ("labels", "task", "text"),
        [
            ([0.0, 1.0], "classification", r"float64.*\.astype\('int64'\)"),
            ([[0], [1]], "classification", r"shape \(N, 1\).*ravel"),
            ([0, -1], "classification", "hold -1"),
            ([0, 2], "classification", "hold 2; the classes are numbered 0 to 1"),
            ([[0, 3], [1, 0]], "multilabel", "multi-hot"),
            ([0.0, float("nan")], "regression", "NaN"),
        ],
    )
    def test_labels_that_would_break_the_training_are_refused(self, labels, task, text):
        classes = ("a", "b") if task != "regression" else ()
        data = ArrayDataset(np.zeros((2, 2)), labels)
        with pytest.raises(InvalidData, match=text):
            describe(Splits(train=data, classes=classes), (task,))

    def test_every_label_in_memory_is_looked_at(self):
        """One wrong label among 10,000 is found; probing would miss it."""
        labels = np.zeros(10_000, np.int64)
        labels[::2] = 1
        labels[7_777] = 9
        data = ArrayDataset(np.zeros((10_000, 1)), labels)
        with pytest.raises(InvalidData, match="hold 9"):
            describe(Splits(train=data, classes=("a", "b")))

    def test_the_test_split_is_looked_at_too(self):
        good, bad = (ArrayDataset(np.zeros((2, 1)), y) for y in ([0, 1], [0, 5]))
        with pytest.raises(InvalidData, match="test labels hold 5"):
            describe(Splits(train=good, test=bad, classes=("a", "b")))

    @pytest.mark.parametrize("other", [np.zeros((4, 3)), np.zeros((4, 2), np.float32)])
    def test_both_splits_hold_samples_of_one_kind(self, other):
        """Another shape or dtype in the test split is named beside the training's."""
        train, test = (ArrayDataset(x, [0, 1, 0, 1]) for x in (np.zeros((4, 2)), other))
        text = r"training samples are float64 \(2,\), test samples float(64 \(3|32 \(2),\)"
        with pytest.raises(InvalidData, match=text):
            describe(Splits(train=train, test=test))

    def test_one_split_holds_samples_of_one_kind(self):
        """An image of another dtype among the probed items is said."""
        split = Items([torch.zeros(2), torch.zeros(2, dtype=torch.uint8)], [0, 1])
        with pytest.raises(InvalidData, match=r"float32 \(2,\) and uint8 \(2,\)"):
            describe(Splits(train=split))

    def test_both_splits_hold_labels_of_one_width(self):
        """Three labels in training and two in the test split can't be measured."""
        train, test = (ArrayDataset(np.zeros((4, 2)), np.eye(4, k)[:, :k]) for k in (3, 2))
        with pytest.raises(InvalidData, match=r"shape \(N, 3\), test labels \(N, 2\)"):
            describe(Splits(train=train, test=test))

    @pytest.mark.parametrize("task", ["multilabel", "regression"])
    def test_each_column_has_a_name(self, task):
        """As many names as columns, for labels and targets alike."""
        data = ArrayDataset(np.zeros((4, 2)), np.eye(4, 3, dtype=np.int64))
        with pytest.raises(InvalidData, match=r"\(N, 3\), but there are 2 names: a, b"):
            describe(Splits(train=data, classes=("a", "b")), (task,))
        named = Splits(train=data, classes=("a", "b", "c"))
        assert describe(named, (task,)).num_classes == 3

    @pytest.mark.parametrize("kind", [Items, TensorDataset])
    def test_a_class_that_appears_once_is_counted(self, kind):
        """Probing 256 of 3,000 items would miss it, whether or not labels are held apart."""
        labels = torch.arange(3000) % 2
        labels[1234] = 2
        data = kind(torch.zeros(3000, 1), labels)
        assert describe(Splits(train=data)).num_classes == 3
        indices = [*range(1000), 1234, *range(2000, 3000)]
        assert describe(Splits(train=Subset(data, indices))).num_classes == 3

    @pytest.mark.parametrize("held", [["cat", "dog"], [5, 6, 7, 8], [3, 4], 3, ["a"] * 4])
    def test_labels_that_are_not_what_is_read_are_not_believed(self, held):
        """Names, another length, or labels before a target_transform."""
        data = Items(torch.zeros(4, 1), torch.tensor([0, 1, 2, 1]))
        data.labels = held
        assert describe(Splits(train=data)).num_classes == 3

    def test_to_measure_one_class_is_enough(self):
        """A test set of one class is no reason to refuse a trained model."""
        one = Splits(train=ArrayDataset(np.zeros((3, 1)), [0, 0, 0]))
        assert describe(one, training=False).num_classes == 1

    @pytest.mark.parametrize("labels", [[0, 0, 0], [0]])
    def test_one_class_is_not_enough(self, labels):
        with pytest.raises(InvalidData, match="single class"):
            describe(Splits(train=ArrayDataset(np.zeros((len(labels), 1)), labels)))

    def test_empty_splits_are_refused(self):
        empty = ArrayDataset(np.zeros((0, 1)), np.zeros(0, np.int64))
        full = ArrayDataset(np.zeros((2, 1)), [0, 1])
        with pytest.raises(InvalidData, match="training split is empty"):
            describe(Splits(train=empty))
        with pytest.raises(InvalidData, match="test split is empty"):
            describe(Splits(train=full, test=empty))

    def test_conversions_are_said(self):
        facts = describe(Splits(train=ArrayDataset(np.zeros((2, 1)), np.array([0, 1], np.int32))))
        assert facts.notes == ("labels are int32; used as int64, which cross-entropy takes",)

    def test_the_fingerprint_is_of_the_data(self):
        def fingerprint(value):
            samples = np.zeros((300, 2))
            samples[0, 0] = value
            return describe(Splits(train=ArrayDataset(samples, np.arange(300) % 2))).fingerprint

        assert fingerprint(0) == fingerprint(0) != fingerprint(1)

    def test_statistics_must_fit_the_channels(self):
        data = ArrayDataset(np.zeros((2, 3, 4, 4), np.uint8), [0, 1])
        with pytest.raises(InvalidData, match="mean has 2 values for 3 channels"):
            describe(Splits(train=data, mean=(0.1, 0.2), std=(1.0,)))

    def test_an_iterable_dataset_is_refused(self):
        with pytest.raises(InvalidData, match="__len__"):
            describe(Splits(train=iter([])))


class TestImages:
    """Image files become bytes (C, H, W), one way for training and prediction."""

    def test_colours_and_sizes(self, tmp_path):
        Image.new("RGB", (6, 4), (255, 0, 0)).save(tmp_path / "red.png")
        red = zoo.read_image(tmp_path / "red.png", 3)
        assert red.shape == (3, 4, 6)
        assert red[:, 0, 0].tolist() == [255, 0, 0]
        assert zoo.read_image(tmp_path / "red.png", 1, (5, 5)).shape == (1, 5, 5)

    def test_the_centre_is_kept(self, tmp_path):
        pixels = np.zeros((4, 12), np.uint8)
        pixels[:, 4:8] = 200
        Image.fromarray(pixels).save(tmp_path / "wide.png")
        assert zoo.read_image(tmp_path / "wide.png", 1, (4, 4)).unique().tolist() == [200]

    def test_the_camera_was_turned(self, tmp_path):
        image = Image.new("L", (4, 2))
        exif = image.getexif()
        exif[0x0112] = 6
        image.save(tmp_path / "turned.jpg", exif=exif)
        assert zoo.read_image(tmp_path / "turned.jpg", 1).shape == (1, 4, 2)

    @pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F"])
    def test_every_mode_is_read(self, tmp_path, mode):
        path = tmp_path / ("image.tiff" if mode in ("CMYK", "I;16", "I", "F") else "image.png")
        Image.new(mode, (3, 3)).save(path)
        for channels in (1, 3):
            assert zoo.read_image(path, channels).shape == (channels, 3, 3)

    def test_sixteen_bits_are_scaled_not_clipped(self, tmp_path):
        pixels = np.array([[0, 32768], [65535, 257]], np.uint16)
        Image.fromarray(pixels).save(tmp_path / "deep.png")
        assert zoo.read_image(tmp_path / "deep.png", 1).flatten().tolist() == [0, 127, 255, 1]

    @pytest.mark.parametrize("suffix", ["png", "tiff", "pgm"])
    def test_a_dark_deep_image_stays_dark(self, tmp_path, suffix):
        """The scale is the format's, not the image's: 200 of 65535 is black."""
        pixels = np.array([[0, 200], [100, 255]], np.uint16)
        Image.fromarray(pixels).save(tmp_path / f"dark.{suffix}")
        assert zoo.read_image(tmp_path / f"dark.{suffix}", 1).unique().tolist() == [0]

    @pytest.mark.parametrize("dtype", [np.int32, np.float32])
    def test_wide_values_up_to_255_are_kept(self, tmp_path, dtype):
        """Others are clipped, and no single bright pixel darkens the rest."""
        Image.fromarray(np.array([[7, 255], [300, 0]], dtype)).save(tmp_path / "wide.tiff")
        assert zoo.read_image(tmp_path / "wide.tiff", 1).flatten().tolist() == [7, 255, 255, 0]

    def test_floats_up_to_one_are_scaled(self, tmp_path):
        pixels = np.array([[0, 0.5], [1, np.nan]], np.float32)
        Image.fromarray(pixels).save(tmp_path / "unit.tiff")
        assert zoo.read_image(tmp_path / "unit.tiff", 1).flatten().tolist() == [0, 127, 255, 0]

    def test_the_transparent_is_white(self, tmp_path):
        Image.new("RGBA", (2, 2), (0, 0, 0, 0)).save(tmp_path / "clear.png")
        assert zoo.read_image(tmp_path / "clear.png", 3).unique().tolist() == [255]

    @pytest.mark.parametrize("damage", ["missing", "empty", "garbage", "truncated"])
    def test_a_bad_file_is_named(self, tmp_path, damage):
        path = tmp_path / "bad.png"
        Image.effect_noise((64, 64), 50).save(path)
        whole = path.read_bytes()
        contents = {"empty": b"", "garbage": b"hello" * 99, "truncated": whole[: len(whole) // 2]}
        path.write_bytes(contents.get(damage, b""))
        if damage == "missing":
            path.unlink()
        with pytest.raises(BadSample, match=r"bad\.png can't be read"):
            zoo.read_image(path, 1)


def test_arrays_of_images_get_their_channels_first():
    """Grey bytes gain a channel, channels-last images are turned, anything else is left."""
    shapes = {
        ((5, 8, 8), np.uint8): (5, 1, 8, 8),
        ((5, 8, 8, 3), np.uint8): (5, 3, 8, 8),
        ((5, 8, 8, 1), np.float32): (5, 1, 8, 8),
        ((5, 3, 8, 8), np.uint8): (5, 3, 8, 8),
        ((5, 8, 8), np.float32): (5, 8, 8),
        ((5, 8), np.uint8): (5, 8),
    }
    for (shape, dtype), expected in shapes.items():
        assert zoo.channels_first(np.zeros(shape, dtype)).shape == expected


def test_an_attribute_named_batch_is_no_method():
    """A dataset whose `batch` is a number is read item by item."""
    split = Items(*numbered(5))
    split.batch = 32
    assert len(list(batches_of(split, 2).epoch())) == 3


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_only_where_they_fork(monkeypatch, method):
    """Spawned workers would run a script without a main guard again."""
    monkeypatch.setattr(multiprocessing, "get_start_method", lambda allow_none: method)
    assert (default_workers(Items(*numbered(5))) > 0) == (method == "fork")
    assert default_workers(ArrayDataset(*numbered(5))) == 0


def test_the_cores_are_counted():
    """At least one, at most what the machine has."""
    import os

    assert 1 <= usable_cores() <= (os.cpu_count() or 1)
