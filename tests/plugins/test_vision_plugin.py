"""The specs of the plugin `vision`: found, readable without torch, and true."""

import subprocess
import sys

import pytest

from zoo_registry import load, options_of, resolve
from zoo_vision import plugin

MODELS = {spec.name: spec for spec in plugin.zoo_models()}
DATASETS = {spec.name: spec for spec in plugin.zoo_datasets()}
OFFERED = [*MODELS.values(), *DATASETS.values()]


def test_the_plugin_is_found_by_its_entry_point():
    """Discovery finds all of it under `vision`, without a fault."""
    registry = load(only=["vision"])
    (found,) = registry.plugins
    assert found.faults == []
    assert {entry.name for entry in registry.entries} == {f"vision/{spec.name}" for spec in OFFERED}


@pytest.mark.parametrize("spec", OFFERED, ids=lambda spec: f"{spec.kind}-{spec.name}")
def test_every_spec_says_what_it_offers(spec):
    """One line for the list, a builder that is there, and typed options with defaults."""
    assert spec.summary
    assert callable(resolve(spec.address))
    for option in options_of(spec).options:
        assert option.annotation, option
        assert option.required == ((spec.name, option.name) == ("folder", "path")), option


def test_reading_all_options_imports_nothing_heavy():
    """`zoo info` waits neither for torch nor for Pillow."""
    code = (
        "import sys; from zoo_vision import plugin; from zoo_registry import options_of; "
        "specs = [*plugin.zoo_models(), *plugin.zoo_datasets()]; "
        "print([option.name for spec in specs for option in options_of(spec).options]); "
        "print({name.partition('.')[0] for name in sys.modules} & {'torch', 'numpy', 'PIL', 'zoo'})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    options, heavy = done.stdout.splitlines()
    assert {"hidden", "width", "image_size", "skip_bad_samples"} <= set(eval(options))
    assert heavy == "set()"


def test_choices_are_read_from_the_signature():
    """A wrong activation can be answered before anything is imported."""
    options = {option.name: option for option in options_of(MODELS["mlp"]).options}
    assert options["activation"].choices == ("relu", "leaky_relu", "sigmoid", "tanh", "gelu")
    assert options["hidden"].default == (128,)


@pytest.mark.parametrize(
    ("name", "tried"),
    [
        ("mnist-cnn", ("mnist", "digits")),
        ("mlp", ("mnist", "digits")),
        ("resnet18", ("cifar10", "digits")),
    ],
)
def test_every_model_can_be_trained_without_a_network(name, tried):
    """The last dataset of each comes with the package."""
    assert MODELS[name].datasets == tried
    assert DATASETS[tried[-1]].files == DATASETS[tried[-1]].urls == ()


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("dataset", ["own", "digits"])
def test_recipes_are_valid_for_the_parts_they_name(name, dataset, tmp_path):
    """Every key of a recipe is a field or an option of the component chosen."""
    from zoo.recipe import make_plans

    spec = MODELS[name]
    asked = {
        "model": f"vision/{name}",
        "dataset": spec.datasets[0] if dataset == "own" else dataset,
    }
    (plan,) = make_plans(asked, load(), tmp_path)
    expected = spec.recipe if dataset == "own" else spec.recipes["digits"]
    for key, value in expected.items():
        assert str(plan.settings[key]).rpartition("/")[2] == str(value)


def torchvisions_first_files():
    """What torchvision fetches first, at each mirror, by the name of the dataset here."""
    from torchvision.datasets import CIFAR10, MNIST, FashionMNIST

    found = {
        name: tuple(mirror + kind.resources[0][0] for mirror in kind.mirrors)
        for name, kind in (("mnist", MNIST), ("fashion-mnist", FashionMNIST))
    }
    return found | {"cifar10": (CIFAR10.url,)}


def test_the_addresses_are_those_that_torchvision_uses():
    """The network is asked about the very files that will be fetched."""
    assert torchvisions_first_files() == {s.name: s.urls for s in DATASETS.values() if s.urls}


def test_the_files_are_those_that_torchvision_looks_for():
    """A folder that torchvision filled is one where nothing is fetched."""
    from torchvision.datasets import CIFAR10, MNIST, FashionMNIST

    for name, kind in (("mnist", MNIST), ("fashion-mnist", FashionMNIST)):
        stems = {resource.removesuffix(".gz") for resource, _ in kind.resources}
        assert set(DATASETS[name].files) == {f"{kind.__name__}/raw/{stem}" for stem in stems}
    batches = [name for name, _ in (*CIFAR10.train_list, *CIFAR10.test_list)]
    names = {f"{CIFAR10.base_folder}/{name}" for name in (*batches, CIFAR10.meta["filename"])}
    assert set(DATASETS["cifar10"].files) == names


def test_clothes_have_torchvisions_names():
    """In the order of the labels."""
    from torchvision.datasets import FashionMNIST

    from zoo_vision.mnist import _CLOTHES

    assert list(_CLOTHES) == FashionMNIST.classes
