"""What a package promises is what its `__all__` names, and that exists."""

import importlib

import pytest

PUBLIC = [
    "zoo",
    "zoo.augment",
    "zoo.checkpoints",
    "zoo.cli",
    "zoo.conformance",
    "zoo.data",
    "zoo.errors",
    "zoo.hub",
    "zoo.exporting",
    "zoo.inference",
    "zoo.metrics",
    "zoo.parallel",
    "zoo.recipe",
    "zoo.reporting",
    "zoo.runs",
    "zoo.scaffold",
    "zoo.training",
    "zoo.verify",
    "zoo.weights",
    "zoo_registry",
]


def order(name):
    """Constants, then classes, then the rest, each by the alphabet, as ruff sorts them."""
    constant = name.isupper()
    return (0 if constant else 1 if name[0].isupper() else 2, name)


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_package_names_what_it_offers(name):
    """Each name is there, once, in order, and `import *` brings it."""
    package = importlib.import_module(name)
    offered = package.__all__
    assert list(offered) == sorted(set(offered), key=order)
    assert not [entry for entry in offered if not hasattr(package, entry)]
    assert not [entry for entry in offered if entry.startswith("_")]


def test_no_public_package_is_forgotten(sources):
    """A package without an underscore makes promises, so it is in the list above."""
    found = {
        ".".join(path.split("/")[1:-1])
        for path in sources
        if path.endswith("/__init__.py") and not path.startswith("plugins/")
    }
    assert {name for name in found if "._" not in name} <= set(PUBLIC)


def test_an_unknown_name_is_an_attribute_error():
    """The lazy doors answer as any module does."""
    for name in ("zoo", "zoo_registry"):
        package = importlib.import_module(name)
        with pytest.raises(AttributeError, match="no_such_name"):
            getattr(package, "no_such_" + "name")
