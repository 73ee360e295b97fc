"""Entry points are found where `importlib.metadata` finds them, without importing it."""

import importlib.metadata
import itertools
import os
import shutil
import sys
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo_registry._installed import entry_points, installed_version

GROUP = "zoo"


def standard(group):
    """Return what `importlib.metadata` finds: names, values, distributions and versions."""
    return {
        (
            point.name,
            f"{point.module}:{point.attr}" if point.attr else point.module,
            point.dist.name,
            point.dist.version,
        )
        for point in importlib.metadata.entry_points(group=group)
    }


@pytest.fixture
def found(site, monkeypatch):
    """Find the entry points of the group `zoo` in `site` alone."""
    monkeypatch.setattr(sys, "path", [str(site.root)])
    return lambda: [(p.name, p.value, p.distribution, p.version) for p in entry_points(GROUP)]


@pytest.mark.parametrize("group", ["zoo", "console_scripts", "pytest11", "hatch", "absent"])
def test_the_environment_holds_what_the_standard_library_finds(group):
    """Name, value, distribution and version of every entry point in the real environment."""
    points = [point[:4] for point in entry_points(group)]
    assert set(points) == standard(group)
    assert len(points) == len(set(points))


def test_the_environment_has_something_to_find():
    """The comparison above is no comparison of nothing with nothing."""
    assert {point.name for point in entry_points("zoo")} >= {"arrays", "optim", "vision"}
    assert "pytest" in {point.name for point in entry_points("console_scripts")}


def test_an_editable_installation_is_found_by_its_metadata(site, found):
    """Only dist-info lies in site-packages; the code is elsewhere."""
    site.metadata("acme-zoo", {"acme": "acme_zoo.plugin"}, "2.0")
    assert found() == [("acme", "acme_zoo.plugin", "acme-zoo", "2.0")]


def test_egg_info_is_found(site, found):
    """What `setup.py develop` leaves beside the sources, and what old distutils left as a file."""
    folder = site.root / "acme_zoo.egg-info"
    folder.mkdir()
    (folder / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: acme-zoo\nVersion: 0.5\n")
    (folder / "entry_points.txt").write_text("[zoo]\nacme = acme_zoo.plugin\n")
    (site.root / "beta_zoo-1.0-py3.11.egg-info").write_text("Name: beta-zoo\nVersion: 1.0\n")
    assert found() == [("acme", "acme_zoo.plugin", "acme-zoo", "0.5")]


def test_the_distribution_found_first_hides_a_later_one(site, found, tmp_path, monkeypatch):
    """As with modules, the first folder on the path wins, however the name is spelt."""
    site.metadata("acme-zoo", {"acme": "first"}, "2.0")
    (tmp_path / "later").mkdir()
    later = tmp_path / "later" / "Acme.Zoo-1.0.dist-info"
    shutil.copytree(site.root / "acme_zoo-2.0.dist-info", later)
    (later / "entry_points.txt").write_text("[zoo]\nacme = hidden\nother = hidden\n")
    monkeypatch.setattr(sys, "path", [str(site.root), str(tmp_path / "later")])
    assert found() == [("acme", "first", "acme-zoo", "2.0")]
    sys.path.reverse()
    assert [value for _, value, _, _ in found()] == ["hidden", "hidden"]


@pytest.mark.parametrize("first", ["0.9.0", "0.10.0"])
def test_of_several_in_one_folder_the_last_written_holds(site, found, first):
    """`pip install --upgrade --target` leaves the metadata of what was there before."""
    for version in (first, *({"0.9.0", "0.10.0"} - {first})):
        folder = site.metadata("acme-zoo", {"acme": f"of.v{version[2:-2]}"}, version)
        os.utime(folder, ns=(0, 10**18 + (version != first)))
    last = folder.name.partition("-")[2].removesuffix(".dist-info")
    assert found() == [("acme", f"of.v{last[2:-2]}", "acme-zoo", last)]
    assert installed_version("acme-zoo") == last


def test_a_distribution_without_entry_points_hides_a_later_one(site, found, tmp_path, monkeypatch):
    """The newer version may have dropped its plugin."""
    (site.root / "acme_zoo-2.0.dist-info").mkdir()
    shutil.copytree(site.root, tmp_path / "later")
    (tmp_path / "later" / "acme_zoo-2.0.dist-info" / "entry_points.txt").write_text(
        "[zoo]\na = b\n"
    )
    monkeypatch.setattr(sys, "path", [str(site.root), str(tmp_path / "later")])
    assert found() == []
    sys.path.reverse()
    assert found() == [("a", "b", "acme-zoo", "?")]


def test_a_folder_named_twice_is_read_once(site, found, monkeypatch):
    """`sys.path` often repeats itself."""
    site.metadata("acme-zoo", {"acme": "acme_zoo.plugin"})
    monkeypatch.setattr(sys, "path", [str(site.root)] * 3)
    assert len(found()) == 1


def test_an_empty_entry_is_the_current_folder(site, found, monkeypatch):
    """As for `python -c`."""
    site.metadata("acme-zoo", {"acme": "acme_zoo.plugin"})
    monkeypatch.chdir(site.root)
    monkeypatch.setattr(sys, "path", [""])
    assert len(found()) == 1


def test_a_plugin_in_an_archive_is_found_and_loaded(site, tmp_path, monkeypatch):
    """Python imports from zip archives, so plugins come from there too."""
    site.plugin(
        "acme", '@hookimpl\ndef zoo_models():\n    return [ModelSpec(name="n", build="a:b")]'
    )
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", site.root)
    shutil.rmtree(site.root)
    monkeypatch.syspath_prepend(archive)
    registry = site.load()
    assert [entry.name for entry in registry.entries] == ["acme/n"]
    assert registry.plugins[0].origin == "acme-zoo 1.0"
    assert archive in sys.modules["acme_zoo_plugin"].__file__


@pytest.mark.parametrize("damage", ["no archive", "cut short", "a wrong byte", "locked"])
def test_a_damaged_archive_offers_nothing(site, found, tmp_path, monkeypatch, damage):
    """It stops neither the search nor what comes after it on the path."""
    site.metadata("acme-zoo", {"acme": "acme_zoo.plugin"})
    archive = tmp_path / "packed.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("beta_zoo-1.0.dist-info/METADATA", "Name: beta-zoo\nVersion: 1\n")
        file.writestr("beta_zoo-1.0.dist-info/entry_points.txt", "[zoo]\nbeta = beta\n")
    sound = archive.read_bytes()
    locked = bytearray(sound)
    locked[sound.index(b"PK\1\2") + 8] |= 1  # the flag of an encrypted file
    archive.write_bytes(
        {
            "no archive": b"x" * 100,
            "cut short": sound[:-30],
            "a wrong byte": sound.replace(b"beta = beta", b"beta = zeta"),
            "locked": locked,
        }[damage]
    )
    assert archive.read_bytes() != sound
    monkeypatch.setattr(sys, "path", [str(archive), str(site.root)])
    assert [name for name, *_ in found()] == ["acme"]


def test_path_entries_that_lead_nowhere_are_passed_over(site, found, tmp_path, monkeypatch):
    """Neither a missing folder nor a name that no folder can have stops the search."""
    site.metadata("acme-zoo", {"acme": "acme_zoo.plugin"})
    (tmp_path / "file.txt").write_text("")
    nowhere = [str(tmp_path / "absent"), str(tmp_path / "file.txt"), "x" * 5000, "a\0b"]
    monkeypatch.setattr(sys, "path", [*nowhere, str(site.root)])
    assert len(found()) == 1


def test_what_may_not_be_read_is_passed_over(site, found, tmp_path, monkeypatch):
    """A folder, or a file, of somebody else."""
    site.metadata("acme-zoo", {"acme": "acme_zoo.plugin"})
    hidden = site.metadata("beta-zoo", {"beta": "beta_zoo.plugin"}) / "entry_points.txt"
    hidden.chmod(0)
    if os.access(hidden, os.R_OK):
        pytest.skip("this user may read everything")
    (tmp_path / "closed").mkdir(mode=0)
    monkeypatch.setattr(sys, "path", [str(tmp_path / "closed" / "x"), str(site.root)])
    assert [name for name, *_ in found()] == ["acme"]


def test_metadata_that_is_missing_or_not_text_costs_only_itself(site, found):
    """Entry points without a METADATA file have no version; odd bytes do no harm."""
    folder = site.metadata("acme-zoo", {"acme": "acme_zoo.plugin"})
    (folder / "METADATA").unlink()
    (folder / "entry_points.txt").write_bytes(b"# \xff\xfe\n[zoo]\nacme = acme_zoo.plugin\n")
    facts = site.metadata("beta-zoo", {"beta": "beta_zoo.plugin"}) / "METADATA"
    facts.write_text("Name: beta-zoo\nVersion:\nSummary: none\n")
    (site.root / "gamma-1.0.dist-info").write_text("a file where a folder should be")
    broken = site.metadata("delta", {"delta": "delta"}) / "entry_points.txt"
    broken.unlink()
    broken.mkdir()
    assert found() == [
        ("acme", "acme_zoo.plugin", "acme-zoo", "?"),
        ("beta", "beta_zoo.plugin", "beta-zoo", "?"),
    ]


def test_a_line_that_is_no_entry_point_is_passed_on_as_it_is(site, found):
    """Where the standard library raises for everybody, discovery blames the line."""
    site.metadata("acme-zoo", "just a line\nacme = acme_zoo.plugin")
    assert found() == [
        ("just a line", "", "acme-zoo", "1.0"),
        ("acme", "acme_zoo.plugin", "acme-zoo", "1.0"),
    ]


SPACE = st.sampled_from(["", " ", "\t ", "  "])
WORD = st.from_regex(r"[a-zA-Z][a-zA-Z0-9_]{0,4}", fullmatch=True)
POINT = st.builds(
    "{0}{1}{2}={3}{4}{5}{6}".format,
    SPACE,
    st.from_regex(r"[a-z][a-zA-Z0-9 ._-]{0,6}[a-z]", fullmatch=True),
    SPACE,
    SPACE,
    st.lists(WORD, min_size=1, max_size=3).map(".".join),
    st.one_of(st.just(""), st.builds("{0}:{0}{1}".format, SPACE, WORD)),
    st.sampled_from(["", " ", " [extra]", "[one, two]"]),
)
LINE = st.one_of(
    POINT,
    POINT,
    st.sampled_from(["[zoo]", "[other]", "[zoo.more]", " [zoo] ", "[ZOO]"]),
    st.sampled_from(["", "   ", "# a comment", "#x = y"]),
)
TEXT = st.lists(LINE, max_size=8).map(lambda lines: "\n".join(["[zoo]", *lines, ""]))
INSTALLED = st.tuples(
    st.sampled_from(["acme-zoo", "Acme.Zoo", "acme_zoo", "beta", "BETA"]),
    st.sampled_from([".dist-info", ".egg-info"]),
    TEXT,
)


@given(folders=st.lists(st.lists(INSTALLED, max_size=3), min_size=1, max_size=3))
def test_any_installation_holds_what_the_standard_library_finds(folders, tmp_path_factory):
    """Sections, comments, spaces, extras, and distributions that hide each other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [write(tmp_path_factory, folder) for folder in folders])
        assert {point[:4] for point in entry_points(GROUP)} == standard(GROUP)


def write(tmp_path_factory, installed):
    """Write distributions into a folder of its own, one of each name; return it."""
    root = tmp_path_factory.mktemp("site")
    written = set()
    for (name, suffix, text), number in zip(installed, itertools.count(1), strict=False):
        if name.lower().replace(".", "-").replace("_", "-") not in written:
            written.add(name.lower().replace(".", "-").replace("_", "-"))
            folder = root / f"{name.replace('-', '_')}-{number}{suffix}"
            folder.mkdir()
            facts = "METADATA" if suffix == ".dist-info" else "PKG-INFO"
            (folder / facts).write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {number}\n")
            (folder / "entry_points.txt").write_text(text)
    return str(root)


def test_what_an_installer_wrote_down_is_told(site):
    """A RECORD says that an installation is settled; an editable one's code may change any time."""
    (site.metadata("settled-zoo", {"settled": "a"}) / "RECORD").write_text("")
    editable = site.metadata("edited-zoo", {"edited": "b"})
    (editable / "RECORD").write_text("")
    (editable / "direct_url.json").write_text('{"dir_info": {"editable": true}, "url": "file:///"}')
    site.metadata("bare-zoo", {"bare": "c"})
    records = {p.name: p.record for p in entry_points(GROUP)}
    assert records["settled"] == str(site.root / "settled_zoo-1.0.dist-info" / "RECORD")
    assert records["edited"] == records["bare"] == ""


@pytest.mark.parametrize(
    ("line", "needs"),
    [
        ("Requires-Dist: zoo-registry>=0.3", ">=0.3"),
        ("Requires-Dist: zoo_registry (>=0.3,<1)", ">=0.3,<1"),
        ("Requires-Dist: Zoo.Registry [timm] ~= 0.3.1", "~= 0.3.1"),
        ("Requires-Dist: zoo-registry", ""),
        ("Requires-Dist: zoo-registry>=9; extra == 'new'", ""),
        ("Requires-Dist: zoo-registry-extras>=9", ""),
    ],
)
def test_what_the_metadata_asks_of_zoo_is_told(site, line, needs):
    """Unconditional requirements only: an extra's may not be wanted."""
    folder = site.metadata("acme-zoo", {"acme": "a"})
    (folder / "METADATA").write_text(f"Name: acme-zoo\nVersion: 1\n{line}\n\nText\n")
    assert next(p.needs for p in entry_points(GROUP) if p.name == "acme") == needs


def test_the_version_of_a_distribution_is_found():
    """As the standard library has it; none where it is not installed."""
    assert installed_version("zoo-registry") == importlib.metadata.version("zoo-registry")
    assert installed_version("Zoo_Registry") == installed_version("zoo-registry")
    assert installed_version("no-such-distribution") == ""
