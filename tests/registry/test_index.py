"""The index spares importing plugins, and never says anything else than they would."""

import json
import sys
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

import zoo_registry
from zoo_registry import (
    DatasetSpec,
    LossSpec,
    ModelSpec,
    OptimizerSpec,
    SchedulerSpec,
    Spec,
    TrackerSpec,
)
from zoo_registry._packing import Unpackable, pack, unpack

SOURCE = """
@hookimpl
def zoo_models():
    return [ModelSpec(name="{name}-net", build="nets:Net", summary="{summary}",
                      datasets=("digits",), recipe={{"optimizer.betas": (0.9, 0.99)}})]
"""
LISTENER = """
@hookimpl
def zoo_run_ended(run, outcome):
    run.append("{name}")
"""


class Memory:
    """A store that counts what it is asked."""

    def __init__(self) -> None:
        self.text = b""
        self.written = 0

    def read(self) -> bytes:
        return self.text

    def write(self, text: bytes) -> None:
        self.text = text
        self.written += 1


@pytest.fixture
def store() -> Memory:
    return Memory()


@pytest.fixture
def acme(site, monkeypatch):
    """An installation with the plugin `acme` alone, as an installer left it a while ago."""
    monkeypatch.setattr(sys, "path", [str(site.root)])
    site.plugin("acme", SOURCE.format(name="acme", summary="a net"), record=True)
    site.settle()
    return site


def described(registry):
    """Return all that a registry says, in comparable form."""
    return [
        (entry.name, entry.spec, entry.plugin.origin, entry.plugin.faults)
        for entry in registry.entries
    ]


def started(site, store):
    """Load as a new process would; return the registry and which plugins it imported."""
    site.forget()
    registry = zoo_registry.load(only=site.plugins, store=store)
    imported = [name for name in sys.modules if name.endswith("_zoo_plugin")]
    return registry, imported


def test_a_settled_plugin_is_imported_once(acme, store):
    """The second start recalls the same specs, to the type, and the time the import took."""
    first, imported = started(acme, store)
    assert imported == ["acme_zoo_plugin"]
    second, imported = started(acme, store)
    assert imported == []
    assert described(second) == described(first)
    assert second.find("model", "acme-net").spec.recipe == {"optimizer.betas": (0.9, 0.99)}
    assert second.plugins[0].import_seconds == first.plugins[0].import_seconds > 0
    assert store.written == 1


@pytest.mark.parametrize("record", [None, "editable"])
def test_a_plugin_that_may_change_is_read_each_time(acme, store, record):
    """Without an installer's record, or with one that says `editable`, the others are recalled."""
    acme.plugin("own", SOURCE.format(name="own", summary="old"), record=record is not None)
    folder = acme.root / "own_zoo-1.0.dist-info"
    if record:
        (folder / "direct_url.json").write_text('{"dir_info": {"editable": true}}')
    acme.settle()
    started(acme, store)
    acme.module("own_zoo_plugin", SOURCE.format(name="own", summary="new"))
    registry, imported = started(acme, store)
    assert imported == ["own_zoo_plugin"]
    assert registry.find("model", "own-net").spec.summary == "new"


def _install(site):
    site.plugin("new", SOURCE.format(name="new", summary="new"), record=True)


def _uninstall(site):
    for path in (site.root / "acme_zoo-1.0.dist-info").iterdir():
        path.unlink()
    (site.root / "acme_zoo-1.0.dist-info").rmdir()


def _upgrade(site):
    folder = site.root / "acme_zoo-1.0.dist-info"
    (folder / "METADATA").write_text("Name: acme-zoo\nVersion: 2.0\n\n")
    (folder / "RECORD").write_text("acme_zoo_plugin.py,sha256=x,9\n")


def _edit(site):
    site.module("acme_zoo_plugin", SOURCE.format(name="acme", summary="edited by hand"))


def _shadow(site):
    other = site.root.parent / "in-front"
    other.mkdir()
    source = "from zoo_registry import *\n" + SOURCE.format(name="acme", summary="in front")
    (other / "acme_zoo_plugin.py").write_text(source)
    sys.path.insert(0, str(other))


@pytest.mark.parametrize("change", [_install, _uninstall, _upgrade, _edit, _shadow])
@pytest.mark.parametrize("settled", [True, False])
def test_it_is_never_stale(acme, store, change, settled):
    """Whatever changes what importing would say, it is imported."""
    started(acme, store)
    change(acme)
    if settled:
        acme.settle()
    expected, _ = started(acme, None)
    for _ in range(2):
        found, imported = started(acme, store)
        assert described(found) == described(expected)
    if settled and change is not _shadow:
        assert imported == []


def test_what_changed_just_now_is_not_relied_on(acme, store):
    """A second change within the clock's resolution would not show."""
    acme.plugin("new", SOURCE.format(name="new", summary="new"), record=True)
    started(acme, store)
    assert store.written == 0


def test_what_changes_while_plugins_are_imported_shows_afterwards(acme, store, monkeypatch):
    """An installation may be over long before a slow plugin has been imported."""
    monkeypatch.setattr(zoo_registry._index, "_RACY_NS", 5 * 10**7)
    installs = """
    import time
    from pathlib import Path
    new = Path(__file__).parent / "new_zoo-1.0.dist-info"
    if not new.exists():
        new.mkdir()
        (new / "entry_points.txt").write_text("[zoo]\\nnew = new_zoo_plugin")
        (new / "RECORD").write_text("")
        time.sleep(0.2)
    """
    acme.plugin("slow", installs, record=True)
    acme.module("new_zoo_plugin", SOURCE.format(name="new", summary="new"))
    acme.plugins.append("new")
    acme.settle()
    assert [plugin.name for plugin in started(acme, store)[0].plugins] == ["acme", "slow"]
    assert [p.name for p in started(acme, store)[0].plugins] == ["acme", "new", "slow"]


def test_a_broken_plugin_is_tried_again(acme, store):
    """What it lacks may come without an installation."""
    acme.plugin("broken", "raise OSError('no server')", record=True)
    acme.settle()
    for _ in range(2):
        registry, imported = started(acme, store)
        assert [plugin.faults for plugin in registry.plugins] == [[], ["OSError: no server"]]
    assert imported == []  # it raised; acme was recalled


def test_two_names_for_one_module_are_two_as_long_as_they_are_there(acme, store):
    """One of them recalled, the other is a second all the same."""
    acme.metadata("fork-zoo", {"fork": "acme_zoo_plugin"})
    acme.plugins.append("fork")
    acme.settle()
    for _ in range(2):
        registry, _ = started(acme, store)
        assert registry.plugins[1].faults == [
            "acme_zoo_plugin is loaded already, as acme of acme-zoo 1.0"
        ]


def test_one_module_under_two_addresses_is_two_plugins_each_time(acme, store):
    """The second is refused also where the first was recalled."""
    acme.module("fork", "import acme_zoo_plugin as plugin")
    acme.metadata("fork-zoo", {"fork": "fork:plugin"})
    acme.plugins.append("fork")
    acme.settle()
    for _ in range(2):
        registry, _ = started(acme, store)
        assert [plugin.faults for plugin in registry.plugins] == [
            [],
            ["fork:plugin is loaded already, as acme of acme-zoo 1.0"],
        ]


@pytest.mark.parametrize("nonsense", ["recipe['self'] = recipe", "recipe['ids'] = {1, 2}"])
def test_a_spec_that_holds_anything_is_no_more_than_not_remembered(acme, store, nonsense):
    """Itself, too."""
    source = f"""
    recipe = {{}}
    {nonsense}

    @hookimpl
    def zoo_models():
        return [ModelSpec(name="odd-net", build="nets:Net", recipe=recipe)]
    """
    acme.plugin("odd", source, record=True)
    acme.settle()
    for _ in range(2):
        registry, imported = started(acme, store)
        assert [entry.name for entry in registry.entries] == ["acme/acme-net", "odd/odd-net"]
    assert imported == ["odd_zoo_plugin"]


def test_a_hook_imports_the_plugin_that_has_it(acme, store):
    """And no other; the order of calls is that of a start that imported them all."""
    for name in ("b", "c", "d"):
        acme.plugin(name, LISTENER.format(name=name), record=name != "c")
    acme.settle()
    fresh, recalled = [], []
    started(acme, store)[0].notify("zoo_run_ended", run=fresh, outcome="done")
    registry, imported = started(acme, store)
    assert imported == ["c_zoo_plugin"]
    assert registry.notify("zoo_run_started", run=None) == []
    assert registry.notify("zoo_run_ended", run=recalled, outcome="done") == []
    assert recalled == fresh == ["d", "c", "b"]
    assert "acme_zoo_plugin" not in sys.modules


def test_a_plugin_that_can_no_longer_be_imported_is_named(acme, store, monkeypatch):
    """It was recalled; its hook fails as if it had been read."""
    acme.plugin("ears", f"import os\nassert 'NO' not in os.environ\n{LISTENER}", record=True)
    acme.settle()
    started(acme, store)
    monkeypatch.setenv("NO", "1")
    registry, _ = started(acme, store)
    assert registry.notify("zoo_run_ended", run=[], outcome="done") == []
    assert registry.plugins[1].faults == ["AssertionError"]


def damaged(whole, random):
    """Return bytes with a bit flipped, with an end cut off, or that never were an index."""
    text = bytearray(whole)
    kind = random.randrange(3)
    if kind == 0:
        place = random.randrange(len(text) * 8)
        text[place // 8] ^= 1 << place % 8
    elif kind == 1:
        del text[random.randrange(len(text)) :]
    else:
        text = bytearray(random.randbytes(random.randrange(200)))
    return bytes(text)


def test_a_damaged_index_is_none(acme, store):
    """Any flipped bit, any cut, any bytes at all: the plugins are asked."""
    expected = described(started(acme, store)[0])
    whole, random = store.text, Random(0)
    for _ in range(500):
        store.text = damaged(whole, random)
        registry, imported = started(acme, store)
        assert described(registry) == expected
        assert imported == ["acme_zoo_plugin"]
        assert started(acme, store)[1] == []


@pytest.mark.parametrize("head", [[0], [2], ["1"], None])
def test_another_version_of_the_index_is_none(acme, store, head):
    """Whatever its format will be."""
    started(acme, store)
    _, body = store.text.split(b"\n", 1)
    store.text = json.dumps(head).encode() + b"\n" + body
    assert started(acme, store)[1] == ["acme_zoo_plugin"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(recipe=st.dictionaries(st.text(), VALUES, max_size=4))
def test_a_spec_comes_back_the_same(recipe):
    """To the type of each value: a tuple is no list, nor True 1."""
    spec = ModelSpec(name="net", build="a:b", recipe=recipe, arguments=recipe, datasets=("x", "y"))
    try:
        packed = pack([spec])
    except Unpackable:
        assert "'()'" in repr(recipe)
        return
    (back,) = unpack(json.loads(json.dumps(packed)))
    assert back == spec
    assert repr(dict(back.recipe)) == repr(spec.recipe)


@pytest.mark.parametrize(
    "spec",
    [
        DatasetSpec(name="d", build="a:b", task=("regression",), files=("f",), urls=("u",)),
        LossSpec(name="l", build="a:b", task="regression"),
        OptimizerSpec(name="o", build="a:b", summary="s"),
        SchedulerSpec(name="s", build="a:b", arguments={"n": 1}),
        TrackerSpec(name="t", build="a:b"),
        ModelSpec(
            name="m", build="a:b", expects="a:c", plain="a:d", recipes={"digits": {"epochs": 4}}
        ),
    ],
)
def test_each_kind_comes_back(spec):
    """With all that was set, and its defaults."""
    (back,) = unpack(json.loads(json.dumps(pack([spec]))))
    assert back == spec
    assert (back.address, back.tasks, back.kind) == (spec.address, spec.tasks, spec.kind)


class Own(Spec):
    """A class of a plugin's own."""


@pytest.mark.parametrize(
    "spec",
    [
        Own(name="own", build="a:b"),
        ModelSpec(name="net", build="a:b", recipe={"x": {1: 2}}),
        ModelSpec(name="net", build="a:b", recipe={"x": object()}),
    ],
)
def test_what_json_can_not_give_back_is_not_remembered(spec):
    """Such a plugin is asked each time."""
    with pytest.raises(Unpackable):
        pack([spec])
