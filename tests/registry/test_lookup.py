"""Names lead to specs: bare, qualified, by wildcard; what does not lead anywhere says why."""

import sys

import pytest

from zoo_registry import AmbiguousName, UnknownName, UsageError, kinds, load

BETA = ("beta/net", "beta/vgg")
ZOO = """
@hookimpl
def zoo_models():
    return [ModelSpec(name=name, build="acme.nets:Net") for name in {models}]

@hookimpl
def zoo_datasets():
    return [DatasetSpec(name=name, build="acme.data:load") for name in {datasets}]
"""


def zoo(*models, datasets=()):
    """Return the source of a plugin that offers these names."""
    return ZOO.format(models=models, datasets=datasets)


@pytest.fixture
def registry(site):
    """Two plugins: both have a model `net`, only one has a `tiny-net`."""
    site.plugin("acme", zoo("net", "tiny-net", "net-18", datasets=["moons", "net"]))
    site.plugin("beta", zoo("net", "vgg"), distribution="beta-nets", version="0.3rc1")
    return site.load()


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        ("model", "tiny-net", "acme/tiny-net"),
        ("model", "acme/tiny-net", "acme/tiny-net"),
        ("model", "acme/net", "acme/net"),
        ("model", "beta/net", "beta/net"),
        ("dataset", "net", "acme/net"),
        ("dataset", "acme/moons", "acme/moons"),
    ],
)
def test_a_name_leads_to_one_entry(registry, kind, name, expected):
    """The bare name works while one plugin offers it for that kind; the qualified one always."""
    entry = registry.find(kind, name)
    assert (entry.name, entry.spec.kind) == (expected, kind)


def test_an_ambiguous_name_lists_the_owners(registry):
    """Nobody wins by being found last: both are named, with distribution and version."""
    with pytest.raises(AmbiguousName) as caught:
        registry.find("model", "net")
    assert str(caught.value) == (
        "model 'net' is offered by several plugins: acme/net (acme-zoo 1.0), "
        "beta/net (beta-nets 0.3rc1); write the name with its plugin"
    )
    assert isinstance(caught.value, UsageError)


def test_qualified_names_clash_only_where_both_offer_them(site):
    """Plugins that share their name are told apart until they share a spec's name too."""
    site.plugin("acme", zoo("net", "one"), distribution="acme-one", version="1.5")
    site.plugin("acme", zoo("net", "two"), distribution="acme-two")
    registry = site.load()
    assert registry.find("model", "acme/one").plugin.distribution == "acme-one"
    assert registry.find("model", "acme/two").plugin.distribution == "acme-two"
    for name in ("net", "acme/net"):
        with pytest.raises(AmbiguousName) as caught:
            registry.find("model", name)
        assert "acme/net (acme-one 1.5), acme/net (acme-two 1.0)" in str(caught.value)
        assert str(caught.value).endswith("; uninstall all but one")


@pytest.mark.parametrize(
    ("kind", "name", "text"),
    [
        (
            "model",
            "tiny-nett",
            "no model named 'tiny-nett'; closest: tiny-net. `zoo list` shows all 5.",
        ),
        (
            "model",
            "Tiny_Net",
            "no model named 'Tiny_Net'; closest: tiny-net. `zoo list` shows all 5.",
        ),
        (
            "model",
            "acme/vgg",
            "no model named 'acme/vgg'; closest: beta/vgg, acme/net. `zoo list` shows all 5.",
        ),
        (
            "dataset",
            "mons",
            "no dataset named 'mons'; closest: moons. `zoo list --kind dataset` shows all 2.",
        ),
        ("dataset", "xyz", "no dataset named 'xyz'. `zoo list --kind dataset` shows all 2."),
        ("loss", "focal", "no loss named 'focal'. `zoo list --kind loss` shows all 0."),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(registry, kind, name, text):
    """The text says what failed, what comes close, and where to look."""
    with pytest.raises(UnknownName) as caught:
        registry.find(kind, name)
    # The plugins of the environment are not loaded here, and that is told too: see below.
    assert str(caught.value).partition(" Not selected")[0] == text
    assert isinstance(caught.value, UsageError)
    assert isinstance(caught.value, LookupError)


def test_a_name_may_be_missing_because_a_plugin_is_broken(site):
    """The plugin that would offer it is worth a look."""
    site.plugin("acme", "raise ValueError")
    with pytest.raises(UnknownName, match=r"Broken plugins: acme \(`zoo plugins`\)\."):
        site.load().find("model", "net")


def test_a_name_may_be_missing_because_a_plugin_is_not_selected(site, monkeypatch):
    """A `ZOO_PLUGINS` that was set once and forgotten, or is misspelt, explains itself."""
    site.plugin("acme", zoo("net"))
    monkeypatch.setenv("ZOO_PLUGINS", "acne")
    with pytest.raises(UnknownName, match=r"Not selected \(ZOO_PLUGINS\): acme, .*optim"):
        load().find("model", "net")


def test_a_selected_name_that_is_no_plugins_is_told_of(site, monkeypatch):
    """With the nearest that is one, selected or not, or with all that there are."""
    site.plugin("acme", zoo("net"))
    site.plugin("beta", zoo("net"))
    monkeypatch.setattr(sys, "path", [str(site.root)])
    monkeypatch.setenv("ZOO_PLUGINS", "beta,acne,x")
    assert load().misnamed() == [
        "no plugin named 'acne' is installed (ZOO_PLUGINS); closest: acme",
        "no plugin named 'x' is installed (ZOO_PLUGINS); there are: beta, acme",
    ]
    monkeypatch.setenv("ZOO_PLUGINS", "beta,acme")
    assert load().misnamed() == []


def test_nothing_is_blamed_where_all_is_well(site, monkeypatch):
    """Where every plugin is loaded and sound, the text ends with the list."""
    site.plugin("acme", zoo("net"))
    monkeypatch.setattr(sys, "path", [str(site.root)])
    with pytest.raises(UnknownName) as caught:
        load().find("model", "xyz")
    assert str(caught.value) == "no model named 'xyz'. `zoo list` shows all 1."


@pytest.mark.parametrize(
    ("patterns", "kind", "expected"),
    [
        ((), None, ["acme/moons", "acme/net", "acme/net", "acme/net-18", "acme/tiny-net", *BETA]),
        ((), "dataset", ["acme/moons", "acme/net"]),
        ((), "loss", []),
        (("net*",), "model", ["acme/net", "acme/net-18", "beta/net"]),
        (("*net",), "model", ["acme/net", "acme/tiny-net", "beta/net"]),
        (("acme/*",), "model", ["acme/net", "acme/net-18", "acme/tiny-net"]),
        (("*/net",), "model", ["acme/net", "beta/net"]),
        (("net-??", "v[gf]g"), "model", ["acme/net-18", "beta/vgg"]),
        (("net", "acme/net"), "model", ["acme/net", "beta/net"]),
        (("NET*",), "model", []),
        (("",), "model", []),
    ],
)
def test_wildcards_select_by_bare_or_qualified_name(registry, patterns, kind, expected):
    """Shell wildcards; several patterns add up, and no entry comes twice."""
    assert [entry.name for entry in registry.select(*patterns, kind=kind)] == expected


def test_entries_are_sorted_by_name(site):
    """What is listed does not depend on the order of installation."""
    site.plugin("zeta", zoo("b", "a"), distribution="a-first")
    site.plugin("alpha", zoo("d", "c"), distribution="z-last")
    assert [entry.name for entry in site.load().entries] == [
        *("alpha/c", "alpha/d", "zeta/a", "zeta/b")
    ]


def test_there_are_six_kinds():
    """Commands offer them as choices."""
    assert kinds() == ("model", "dataset", "optimizer", "loss", "scheduler", "tracker")
