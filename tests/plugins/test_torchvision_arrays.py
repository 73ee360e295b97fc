"""Small images from torchvision's datasets: read by its own classes from files in their layouts."""

import h5py
import pytest
import torch
import torchvision_files as files
from torchvision_files import read

import zoo
from zoo_registry import DatasetUnavailable, InvalidData, ZooError, load, options_of

CHANNELS_AND_SIZE = {
    "cifar100": (3, 32, 100),
    "fer2013": (1, 48, 7),
    "kmnist": (1, 28, 10),
    "qmnist": (1, 28, 10),
    "semeion": (1, 16, 10),
    "stl10": (3, 96, 10),
    "svhn": (3, 32, 10),
    "usps": (1, 16, 10),
}


@pytest.fixture(scope="module")
def specs():
    """The specs of the datasets, by name."""
    entries = load(only=["torchvision"]).select(kind="dataset")
    return {entry.spec.name: entry.spec for entry in entries}


@pytest.mark.parametrize("name", CHANNELS_AND_SIZE)
def test_it_is_read_into_memory(name, specs, tmp_path, monkeypatch):
    """Bytes (C, H, W), whole labels, a name for each class, and a test part."""
    getattr(files, name)(tmp_path, monkeypatch)
    assert all((tmp_path / file).exists() for file in specs[name].files)
    splits = read(specs[name], tmp_path)
    channels, size, num_classes = CHANNELS_AND_SIZE[name]
    for split in (splits.train, splits.test):
        assert isinstance(split, zoo.ArrayDataset)
        assert split.samples.shape[1:] == (channels, size, size)
        assert (split.samples.dtype, split.labels.dtype) == (torch.uint8, torch.int64)
        assert split.samples.is_contiguous()
        assert split.labels.unique().tolist() == list(range(num_classes))
    assert len(splits.classes) == num_classes
    assert len(splits.mean) == len(splits.std) == channels
    assert len(splits.train) == 2 * len(splits.test) or name == "semeion"


@pytest.mark.parametrize("name", ["cifar100", "kmnist", "svhn", "stl10"])
def test_the_pixels_are_those_that_torchvision_shows(name, specs, tmp_path, monkeypatch):
    """Channels, rows and columns are where they belong."""
    from torchvision.transforms.functional import pil_to_tensor

    getattr(files, name)(tmp_path, monkeypatch)
    kind = files.torch_class(name.upper())
    theirs = kind(tmp_path)
    ours = read(specs[name], tmp_path).train
    for index in (0, 7):
        image, label = theirs[index]
        assert torch.equal(ours[index][0], pil_to_tensor(image))
        assert int(ours[index][1]) == label


def test_a_share_of_each_class_is_held_out_where_there_is_no_test_part(
    specs, tmp_path, monkeypatch
):
    """Drawn by a seed of its own."""
    files.semeion(tmp_path, monkeypatch)
    splits, again, other = (read(specs["semeion"], tmp_path, split_seed=seed) for seed in (0, 0, 1))
    assert splits.test.labels.bincount().tolist() == [1] * 10
    assert splits.train.labels.bincount().tolist() == [4] * 10
    assert torch.equal(splits.test.samples, again.test.samples)
    assert not torch.equal(splits.test.samples, other.test.samples)
    assert read(specs["semeion"], tmp_path, test_fraction=0.0).test is None


@pytest.mark.parametrize(
    ("kind", "classes", "first", "names"),
    [
        ("letters", 26, 1, ("a", "z")),
        ("digits", 10, 0, ("0", "9")),
        ("balanced", 47, 0, ("0", "t")),
    ],
)
def test_emnist_has_its_kinds(kind, classes, first, names, specs, tmp_path):
    """Letters count from 0 as all classes do, and stand upright."""
    files.emnist(tmp_path, kind, classes, first)
    splits = read(specs["emnist"], tmp_path, split=kind)
    assert (splits.classes[0], splits.classes[-1]) == names
    assert splits.train.labels.unique().tolist() == list(range(classes))
    raw = files.torch_class("EMNIST")(tmp_path, split=kind).data
    assert torch.equal(splits.train.samples[:, 0], raw.transpose(1, 2))


def test_the_choices_of_emnist_are_read_without_importing_it(specs):
    """A wrong one is answered at once."""
    (split,) = options_of(specs["emnist"]).options
    assert set(split.choices) == set(files.torch_class("EMNIST").splits)


def test_patches_are_cached_rather_than_held(specs, tmp_path):
    """HDF5 files, read image by image."""
    (tmp_path / "pcam").mkdir()
    for part, count in (("train", 6), ("test", 4)):
        stem = f"pcam/camelyonpatch_level_2_split_{part}"
        with h5py.File(tmp_path / f"{stem}_x.h5", "w") as file:
            file["x"] = files.images(count, 96, 96, 3)
        with h5py.File(tmp_path / f"{stem}_y.h5", "w") as file:
            file["y"] = (torch.arange(count) % 2).view(-1, 1, 1, 1).numpy()
    splits = read(specs["pcam"], tmp_path)
    assert splits.train[1][0].shape == (3, 96, 96)
    assert splits.train.labels.tolist() == [0, 1] * 3
    assert splits.train.cache_key() != splits.test.cache_key()


def test_a_missing_package_is_named(specs, tmp_path, monkeypatch):
    """Before anything is downloaded for nothing."""
    monkeypatch.setitem(__import__("sys").modules, "scipy", None)
    with pytest.raises(ZooError, match="torchvision reads svhn with scipy: pip install scipy"):
        read(specs["svhn"], tmp_path)


@pytest.mark.parametrize("name", [*CHANNELS_AND_SIZE, "emnist"])
def test_without_files_and_network_it_is_unavailable(name, specs, tmp_path):
    """With the reason, and where it would be looked for."""
    with pytest.raises(DatasetUnavailable, match=f"{name} is not in .*ZOO_OFFLINE is set"):
        read(specs[name], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_named(specs, tmp_path, monkeypatch):
    """Torchvision's checksums hold."""
    files.cifar100(tmp_path, monkeypatch)
    (tmp_path / "cifar-100-python" / "test").write_bytes(b"other bytes")
    with pytest.raises(InvalidData, match="cifar100: torchvision can't read what is in"):
        read(specs["cifar100"], tmp_path)


def test_it_trains(tmp_path, monkeypatch):
    """By its bare name, as any other dataset."""
    files.usps(tmp_path, monkeypatch)
    run = zoo.train("mlp", "usps", epochs=1, data_dir=tmp_path, progress=False)
    assert run.recipe["options"]["model"]["num_classes"] == 10
