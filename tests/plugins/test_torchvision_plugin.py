"""The specs of the plugin `torchvision`: its architectures and datasets, none of its imports."""

import subprocess
import sys

import pytest
from torchvision import models

from zoo_registry import load, options_of, resolve
from zoo_torchvision import plugin
from zoo_torchvision._sources import architectures

MODELS = {spec.name: spec for spec in plugin.zoo_models()}
DATASETS = {spec.name: spec for spec in plugin.zoo_datasets()}


def test_every_architecture_that_classifies_images_is_offered():
    """What the sources say is what torchvision registers."""
    assert list(MODELS) == [name for name, _ in architectures()]
    assert set(MODELS) == set(models.list_models(module=models))


def test_the_plugin_is_found_by_its_entry_point():
    """Discovery takes all of it, and finds no fault."""
    registry = load(only=["torchvision"])
    (found,) = registry.plugins
    assert found.faults == []
    assert len(registry.entries) == len(MODELS) + len(DATASETS)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("resnet18", "ResNet-18: Deep Residual Learning for Image Recognition"),
        ("convnext_tiny", "ConvNeXt Tiny: A ConvNet for the 2020s"),
        ("squeezenet1_1", "SqueezeNet 1.1: official SqueezeNet repo"),
    ],
)
def test_every_architecture_has_a_line_about_it(name, line):
    """Torchvision's own words, without links and marks."""
    assert MODELS[name].summary == line
    assert all(0 < len(spec.summary) <= 90 for spec in MODELS.values())
    assert not any(mark in spec.summary for spec in MODELS.values() for mark in "<>`")


def test_the_choice_of_weights_is_torchvisions():
    """All names that any of the architectures has, but for the half-empty ones."""
    options = {option.name: option for option in options_of(MODELS["resnet18"]).options}
    there_are = {
        name
        for architecture in MODELS
        for name in models.get_model_weights(architecture).__members__
    }
    assert set(options["weights"].choices) == {None, *there_are - {"IMAGENET1K_FEATURES"}}
    assert "architecture" not in options


@pytest.mark.parametrize("spec", DATASETS.values(), ids=lambda spec: spec.name)
def test_every_dataset_says_what_it_offers(spec):
    """One line, where its files are, a builder with typed options that all have defaults."""
    assert spec.summary
    assert spec.files
    assert callable(resolve(spec.address))
    for option in options_of(spec).options:
        assert option.annotation, option
        assert not option.required, option


def test_no_dataset_is_offered_twice():
    """Those of `vision` keep their bare names."""
    others = load(only=["vision"]).select(kind="dataset")
    assert not {entry.spec.name for entry in others} & set(DATASETS)


def torchvisions_addresses():
    """What torchvision fetches first, where its classes say so."""
    from torchvision import datasets

    mnist_like = {
        name: kind.mirrors[0] + kind.resources[0][0] for name, kind in [("kmnist", datasets.KMNIST)]
    }
    return mnist_like | {
        "cifar100": datasets.CIFAR100.url,
        "country211": datasets.Country211._URL,
        "dtd": datasets.DTD._URL,
        "emnist": datasets.EMNIST.url,
        "fgvc-aircraft": datasets.FGVCAircraft._URL,
        "flowers102": datasets.Flowers102._download_url_prefix + "102flowers.tgz",
        "food101": datasets.Food101._URL,
        "imagenette": datasets.Imagenette._ARCHIVES["320px"][0],
        "oxford-iiit-pet": datasets.OxfordIIITPet._RESOURCES[0][0],
        "qmnist": datasets.QMNIST.resources["train"][0][0],
        "rendered-sst2": datasets.RenderedSST2._URL,
        "semeion": datasets.SEMEION.url,
        "stl10": datasets.STL10.url,
        "sun397": datasets.SUN397._DATASET_URL,
        "svhn": datasets.SVHN.split_list["train"][0],
        "usps": datasets.USPS.split_list["train"][0],
    }


def test_the_addresses_are_those_that_torchvision_uses():
    """The network is asked about the very files that will be fetched."""
    for name, address in torchvisions_addresses().items():
        assert DATASETS[name].urls == (address,)


def test_listing_imports_neither_torchvision_nor_torch():
    """`zoo list` and `zoo info` wait for none of them."""
    code = (
        "import sys; from zoo_torchvision import plugin; from zoo_registry import options_of; "
        "specs = [*plugin.zoo_models(), *plugin.zoo_datasets()]; [*map(options_of, specs)]; "
        "print(len(specs)); "
        "print({n.partition('.')[0] for n in sys.modules} & {'torch', 'torchvision', 'zoo'})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [str(len(MODELS) + len(DATASETS)), "set()"]


def test_without_torchvision_no_architecture_is_offered(monkeypatch):
    """And none is a reason to fail."""
    monkeypatch.setitem(sys.modules, "torchvision", None)
    assert list(architectures()) == []
