"""A plugin that needs another zoo is told so before any of its code runs."""

import importlib.metadata
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.version import Version

import zoo_registry
from zoo_registry._requires import allows

VERSION = importlib.metadata.version("zoo-registry")
NUMBERS = st.lists(st.integers(0, 3), min_size=1, max_size=3).map(lambda p: ".".join(map(str, p)))
CLAUSES = st.tuples(st.sampled_from([">=", "<=", ">", "<", "==", "!=", "~="]), NUMBERS).map("".join)


@given(version=NUMBERS, clauses=st.lists(CLAUSES, max_size=3))
def test_releases_are_compared_as_installers_compare_them(version, clauses):
    """What `packaging` says of the same, and so pip."""
    clauses = [clause if clause[0] != "~" or "." in clause else ">=0" for clause in clauses]
    assert allows(",".join(clauses), version) == (
        Version(version) in SpecifierSet(",".join(clauses))
    )


@pytest.mark.parametrize(
    ("needs", "version", "holds"),
    [
        (">=0.3", "0.3.0", True),
        (">=0.3", "0.3.0rc1", False),
        (">=0.3", "0.3.0.post1", True),
        ("==0.3.*", "0.3.9", True),
        ("==0.3.*", "0.4", False),
        ("!=0.3.*", "0.3.9", False),
        (" >= 0.3 , < 1 ", "0.5", True),
        ("", "0.1", True),
    ],
)
def test_early_releases_and_wildcards(needs, version, holds):
    """A pre-release comes before its release."""
    assert allows(needs, version) is holds


STATED = [
    'requires_zoo = ">=99"',
    "requires_zoo: str = '>=99'",
    'x = 1\nrequires_zoo=">=99"  # new hooks',
]


@pytest.mark.parametrize("stated", STATED)
def test_it_is_said_before_anything_else(site, stated, capsys):
    """The module is not imported: what it would fail with says nothing of the cause."""
    site.plugin("acme", f"print('ran')\nfrom zoo_registry import NoSuchThing\n{stated}")
    plugin = site.load().plugins[0]
    assert plugin.faults == [
        f"needs zoo >=99; this is {VERSION}: pip install --upgrade zoo-registry"
    ]
    assert "ran" not in capsys.readouterr().err


def test_the_metadata_says_so_too(site):
    """`pip install --no-deps` installs what does not fit."""
    site.plugin("acme", "")
    metadata = site.root / "acme_zoo-1.0.dist-info" / "METADATA"
    metadata.write_text("Name: acme-zoo\nVersion: 1.0\nRequires-Dist: zoo-registry>=98\n\n")
    assert site.load().plugins[0].faults == [
        f"needs zoo >=98; this is {VERSION}: pip install --upgrade zoo-registry"
    ]


def test_what_is_no_version_is_a_fault(site):
    """Nobody can tell what it needs."""
    site.plugin("acme", 'requires_zoo = "new"')
    assert site.load().plugins[0].faults == [
        "requires_zoo='new': 'new' is not a comparison; write '>=0.3'"
    ]


def test_what_this_zoo_offers_is_enough(site):
    """The plugin is read as ever."""
    source = 'requires_zoo = ">=0.1"\n@hookimpl\ndef zoo_models():\n    return []\n'
    site.plugin("acme", source)
    assert site.load().plugins[0].faults == []


def test_a_plugin_within_a_package_is_read_without_running_it(site):
    """Its parents' code does not run either."""
    package = site.root / "acme_pack"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit")
    (package / "plugin.py").write_text('requires_zoo = ">=99"')
    site.metadata("acme-zoo", {"acme": "acme_pack.plugin"})
    site.plugins.append("acme")
    assert site.load().plugins[0].faults[0].startswith("needs zoo >=99")


def test_a_plugin_in_an_archive_is_read_there(site, tmp_path, monkeypatch, capsys):
    """As its modules are."""
    package = site.root / "acme_zoo"
    package.mkdir()
    (package / "__init__.py").write_text("print('ran')")
    (package / "plugin.py").write_text('print("ran")\nrequires_zoo = ">=99"')
    site.metadata("acme-zoo", {"acme": "acme_zoo.plugin"})
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", site.root)
    shutil.rmtree(site.root)
    monkeypatch.syspath_prepend(archive)
    (plugin,) = zoo_registry.load(only=["acme"]).plugins
    assert plugin.faults == [
        f"needs zoo >=99; this is {VERSION}: pip install --upgrade zoo-registry"
    ]
    assert "ran" not in capsys.readouterr().err
