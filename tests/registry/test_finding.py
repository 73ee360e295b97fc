"""Modules are found, and read, without running any of their code."""

import sys

import pytest

from zoo_registry import read_sources
from zoo_registry._finding import find_module


@pytest.fixture
def library(site):
    """A package whose every module raises, with a package below it."""
    folder = site.root / "loud_library"
    (folder / "models" / "below").mkdir(parents=True)
    for name in ("__init__", "models/__init__", "models/b", "models/a", "models/below/__init__"):
        (folder / f"{name}.py").write_text(f"raise SystemExit({name!r})\n")
    (folder / "models" / "notes.txt").write_text("no source")
    return folder


def test_a_packages_sources_are_read_in_order(library):
    """Those of its modules alone; nothing is imported."""
    texts = list(read_sources("loud_library.models"))
    names = ("models/__init__", "models/a", "models/b")
    assert texts == [f"raise SystemExit({name!r})\n".encode() for name in names]
    assert not any(name.startswith("loud_library") for name in sys.modules)


@pytest.mark.parametrize(
    "name", ["no_such_library.models", "loud_library.nothing", "loud_library.models.a", "sys"]
)
def test_what_is_no_package_has_no_sources(library, name):
    """Not installed, of another layout, a module, or built in."""
    assert list(read_sources(name)) == []


def test_a_module_is_found_where_it_lies(library):
    """By its full name, at any depth."""
    found = find_module("loud_library.models.below")
    assert found is not None
    assert found.origin == str(library / "models" / "below" / "__init__.py")
    assert find_module("loud_library.models.c") is None
