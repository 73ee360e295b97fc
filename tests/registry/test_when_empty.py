"""A plugin that has nothing to offer says what to type, to whoever names something of it."""

import pytest

from zoo_registry import UnknownName

EMPTY = """
when_empty = {line!r}

@hookimpl
def zoo_models():
    return []
"""
LINE = "its models come with nets, which is not installed: pip install nets"


@pytest.fixture
def registry(site):
    """One plugin that offers nothing and says why, one that says nothing, one with a model."""
    site.plugin("empty", EMPTY.format(line=LINE))
    site.plugin("silent", EMPTY.format(line=7))
    site.plugin(
        "full",
        """
        when_empty = "never said"

        @hookimpl
        def zoo_models():
            return [ModelSpec(name="net", build="full.nets:Net")]
        """,
    )
    return site.load()


def test_a_qualified_name_of_it_is_answered_with_its_line(registry):
    """Rather than with names that are near."""
    with pytest.raises(UnknownName) as error:
        registry.find("model", "empty/net")
    assert str(error.value) == f"no model named 'empty/net': {LINE}"
    assert registry.hint("empty/anything") == LINE


@pytest.mark.parametrize("name", ["net", "empty", "full/other", "silent/net", "stranger/net"])
def test_any_other_name_is_answered_as_ever(registry, name):
    """One without a plugin, of a plugin that offers something, of one without a line."""
    assert registry.hint(name) == ""


def test_such_a_plugin_is_not_broken(registry):
    """It is loaded, and has no fault."""
    assert [plugin.faults for plugin in registry.plugins] == [[], [], []]
