"""Image files from torchvision's datasets: found by its own classes, read as image folders are."""

import pytest
import torch
import torchvision_files as files
from torchvision_files import read

import zoo
from zoo.data import ImageFiles, cached
from zoo_registry import DatasetUnavailable, InvalidData, InvalidOption, load

FACTS = {
    "caltech101": (files.caltech101, 8, 2, ("ant", "lotus")),
    "caltech256": (files.caltech256, 8, 2, ("001.ak47", "002.flag")),
    "country211": (files.country211, 8, 4, ("AD", "ZW")),
    "dtd": (files.dtd, 4, 2, ("banded", "woven")),
    "eurosat": (files.eurosat, 8, 2, ("Forest", "River")),
    "fgvc-aircraft": (files.fgvc_aircraft, 4, 4, ("707-320", "727-200")),
    "flowers102": (files.flowers102, 6, 6, None),
    "food101": (files.food101, 6, 2, ("pho", "ramen")),
    "gtsrb": (files.gtsrb, 12, 3, ()),
    "imagenet": (files.imagenet, 6, 6, ("crane", "crane, lifting machine", "trailer truck")),
    "imagenette": (files.imagenette, 6, 6, ("tench", "French horn")),
    "inaturalist": (files.inaturalist, 4, 4, None),
    "oxford-iiit-pet": (files.pets, 6, 3, ("Abyssinian", "Beagle", "Pug")),
    "places365": (files.places365, 2, 2, ("/a/airfield", "/b/barn")),
    "rendered-sst2": (files.rendered_sst2, 8, 4, ("negative", "positive")),
    "stanford-cars": (files.stanford_cars, 4, 4, ("Fiat", "Lada")),
    "sun397": (files.sun397, 8, 2, ("abbey", "apse/indoor")),
}
"""What makes its files, how many to train and to test on, the names of its classes."""


@pytest.fixture(scope="module")
def specs():
    """The specs of the datasets, by name."""
    entries = load(only=["torchvision"]).select(kind="dataset")
    return {entry.spec.name: entry.spec for entry in entries}


def test_every_dataset_of_files_is_tried(specs):
    """None of the catalogue is left out here."""
    in_files = {
        name for name, spec in specs.items() if not spec.build.startswith("zoo_torchvision.arrays")
    }
    assert in_files == set(FACTS)


@pytest.mark.parametrize("name", FACTS)
def test_its_files_are_found_and_split(name, specs, tmp_path, monkeypatch):
    """Training and test part share no file; labels fit the names."""
    make, num_train, num_test, classes = FACTS[name]
    make(tmp_path, monkeypatch)
    assert all((tmp_path / file).exists() for file in specs[name].files)
    splits = read(specs[name], tmp_path)
    assert isinstance(splits.train, ImageFiles)
    assert (len(splits.train), len(splits.test)) == (num_train, num_test)
    assert not set(splits.train.files) & set(splits.test.files)
    assert splits.train.labels.min() == 0
    if classes is not None:
        assert splits.classes == classes
    if splits.classes:
        assert splits.train.labels.max() < len(splits.classes)
    sample, label = splits.test[0]
    assert (sample.shape, sample.dtype) == ((3, 12, 10), torch.uint8)
    assert label == splits.test.labels[0]


def test_labels_are_those_of_torchvision(specs, tmp_path, monkeypatch):
    """File by file, whatever the order."""
    files.flowers102(tmp_path, monkeypatch)
    splits = read(specs["flowers102"], tmp_path)
    numbers = [int(file.stem.rpartition("_")[2]) for file in splits.train.files]
    assert splits.train.labels.tolist() == [(number - 1) % 3 for number in numbers]


def test_size_channels_and_normalisation_are_options(specs, tmp_path, monkeypatch):
    """As of image folders, so that a model's wishes are met."""
    files.dtd(tmp_path, monkeypatch)
    splits = read(specs["dtd"], tmp_path, image_size=(8, 6), mean=(0.1, 0.2, 0.3), std=(0.5,) * 3)
    assert splits.train[0][0].shape == (3, 8, 6)
    assert splits.mean == (0.1, 0.2, 0.3)
    grey = read(specs["dtd"], tmp_path, channels=1, mean=(0.1, 0.2, 0.3))
    assert grey.train[0][0].shape == (1, 12, 10)
    assert grey.mean == pytest.approx((0.2,))
    with pytest.raises(InvalidOption, match="std is"):
        read(specs["dtd"], tmp_path, std=(0.0,))
    with pytest.raises(InvalidOption, match="mean has 2 values"):
        read(specs["dtd"], tmp_path, mean=(0.5, 0.5))
    with pytest.raises(InvalidOption, match="image_size is 0"):
        read(specs["dtd"], tmp_path, image_size=0)
    with pytest.raises(InvalidOption, match="dtd has 1 to 10"):
        read(specs["dtd"], tmp_path, partition=11)


def test_aircraft_are_told_apart_at_three_levels(specs, tmp_path, monkeypatch):
    """By their makers, here."""
    files.fgvc_aircraft(tmp_path, monkeypatch)
    splits = read(specs["fgvc-aircraft"], tmp_path, level="manufacturer")
    assert splits.classes == ("Airbus", "Boeing")
    assert splits.train.labels.tolist() == [0, 0, 1, 1]


def test_they_go_through_the_cache(specs, tmp_path, monkeypatch):
    """Decoded once, as image folders are."""
    files.eurosat(tmp_path, monkeypatch)
    split = read(specs["eurosat"], tmp_path).train
    found = cached(split, note=pytest.fail)
    assert torch.equal(found.samples, torch.stack([image for image, _ in split]))


@pytest.mark.parametrize("name", FACTS)
def test_without_files_and_network_it_is_unavailable(name, specs, tmp_path):
    """With the reason, and where it would be looked for."""
    with pytest.raises(DatasetUnavailable, match=f"{name} is not in .*ZOO_OFFLINE is set"):
        read(specs[name], tmp_path)


def test_a_class_with_one_image_can_not_be_split(specs, tmp_path):
    """The text says what to set."""
    files.in_classes(tmp_path / "eurosat" / "2750", ("Forest", "River"), 1)
    with pytest.raises(InvalidData, match="too few to hold out 0.2.*test_fraction=0"):
        read(specs["eurosat"], tmp_path)
    assert read(specs["eurosat"], tmp_path, test_fraction=0.0).test is None
    with pytest.raises(InvalidOption, match="test_fraction is 1"):
        read(specs["eurosat"], tmp_path, test_fraction=1.0)


def test_what_torchvision_can_not_read_is_said(specs, tmp_path, monkeypatch):
    """In one line, with the dataset's name."""
    files.food101(tmp_path, monkeypatch)
    (tmp_path / "food-101" / "meta" / "train.json").write_text("no JSON")
    with pytest.raises(InvalidData, match="food101: torchvision can't read"):
        read(specs["food101"], tmp_path)


def test_a_model_of_the_same_plugin_trains_on_them(tmp_path, monkeypatch):
    """By their names; the size is the user's."""
    files.pets(tmp_path, monkeypatch)
    run = zoo.train(
        "torchvision/squeezenet1_1",
        "oxford-iiit-pet",
        epochs=1,
        data_dir=tmp_path,
        set={"dataset.image_size": 32},
        progress=False,
    )
    assert run.recipe["options"]["model"]["num_classes"] == 3
