"""Two runs are compared, and only what differs is shown."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_runs import begun, made, rewrite, zoo

from zoo.errors import CorruptWeights
from zoo.runs import diff_runs, lineage, open_run
from zoo.runs._diff import _equal, _flat

RECIPE = 'model = "vision/cnn"\nlr = 0.01\n\n[options.model]\nwidth = 32\n'
PLUGINS = [{"name": "vision", "distribution": "zoo-registry", "version": "0.1.0"}]


def pair(changed_recipe=RECIPE, **changed):
    """Two runs that were made alike but for what is given."""
    common = {
        "metrics": {"accuracy": 0.5, "loss": 1.0},
        "data": {"train": 10, "classes": ["a", "b"], "fingerprint": "0" * 64},
        "plugins": PLUGINS,
        "threads": 2,
        "code": {"commit": "1" * 40, "dirty": False},
        "environment": {"variables": {"OMP_NUM_THREADS": "1"}, "cuda": None},
        "versions": {"torch": "2.14", "numpy": "2.4"},
    }
    first = made("first", recipe=RECIPE, weights="same", **common)
    second = made("second", recipe=changed_recipe, weights="same", **common)
    rewrite(second.path, **changed)
    return first, open_run(second.path)


def test_runs_that_are_alike_do_not_differ():
    """Names, times, processes and durations are no difference."""
    assert diff_runs(*pair()) == {}
    assert "do not differ" in zoo("runs", "diff", "first", "second")
    assert json.loads(zoo("runs", "diff", "first", "second", "--json")) == {
        "a": "first",
        "b": "second",
    }


DIFFERENCES = {
    "metrics": ({"metrics": {"accuracy": 0.75, "loss": 1.0}}, {"accuracy": (0.5, 0.75)}),
    "data": (
        {"data": {"train": 10, "classes": ["a", "b"], "fingerprint": "1" * 64}},
        {"fingerprint": ("0" * 64, "1" * 64)},
    ),
    "plugins": (
        {"plugins": [{**PLUGINS[0], "version": "0.2.0"}]},
        {"vision": ("zoo-registry 0.1.0", "zoo-registry 0.2.0")},
    ),
    "code": (
        {"code": {"commit": "1" * 40, "dirty": True}},
        {"dirty": (False, True)},
    ),
    "environment": (
        {"environment": {"variables": {}, "cuda": "13.0"}, "versions": {"torch": "2.15"}},
        {
            "versions.torch": ("2.14", "2.15"),
            "versions.numpy": ("2.4", None),
            "variables.OMP_NUM_THREADS": ("1", None),
            "cuda": (None, "13.0"),
        },
    ),
}


@pytest.mark.parametrize("section", DIFFERENCES)
def test_what_differs_is_shown_and_nothing_else(section):
    """By its dotted name, with what each run has."""
    changed, expected = DIFFERENCES[section]
    first, second = pair(**changed)
    assert diff_runs(first, second) == {section: expected}
    assert diff_runs(second, first) == {
        section: {key: (theirs, ours) for key, (ours, theirs) in expected.items()}
    }


def test_recipes_are_compared_to_their_options():
    """What one has and the other lacks is None there."""
    recipe = RECIPE.replace("0.01", "0.02").replace("width", "depth")
    assert diff_runs(*pair(recipe)) == {
        "recipe": {
            "lr": (0.01, 0.02),
            "options.model.width": (32, None),
            "options.model.depth": (None, 32),
        }
    }


def test_weights_are_compared_by_their_digests():
    """Equal digests are equal bytes."""
    found = diff_runs(made("first", weights="one"), made("second", weights="two"))["weights"]
    assert found.keys() == {"sha256"}
    assert found["sha256"][0] != found["sha256"][1]


def test_a_run_of_before_can_be_compared():
    """One that records less, as a run that is at work."""
    found = diff_runs(begun("first").run, begun("second", "", **lineage()).run)
    assert found["environment"]["versions.python"][0] is None
    assert {"metrics", "weights", "data", "plugins"}.isdisjoint(found)


def test_a_damaged_run_cannot_be_compared():
    """It would differ in everything."""
    first, second = pair()
    (second.path / "run.json").write_text("{}")
    with pytest.raises(CorruptWeights, match="can't be compared"):
        diff_runs(first, open_run(second.path))
    assert "can't be compared" in zoo("runs", "diff", "first", "second", code=1)


def test_the_command_shows_sections_of_columns():
    """With the difference of metrics, and digests shortened."""
    pair(RECIPE.replace("0.01", "0.02"), metrics={"accuracy": 0.75}, **DIFFERENCES["data"][0])
    sections = [
        block.splitlines() for block in zoo("runs", "diff", "first", "second").split("\n\n")
    ]
    assert [block[0].split() for block in sections] == [
        [name, "first", "second"] for name in ("RECIPE", "METRICS", "DATA")
    ]
    assert sections[0][1].split() == ["lr", "0.01", "0.02"]
    assert sections[1][1].split() == ["accuracy", "0.5", "0.75", "+0.25"]
    assert sections[1][2].split() == ["loss", "1", "-"]
    assert sections[2][1].split() == ["fingerprint", "0" * 12, "1" * 12]
    shown = json.loads(zoo("runs", "diff", "first", "second", "--json"))
    assert shown["metrics"] == {"accuracy": [0.5, 0.75], "loss": [1.0, None]}
    assert shown["data"]["fingerprint"] == ["0" * 64, "1" * 64]


def test_an_alias_can_be_compared_with_a_run():
    """Is the new one better than what is in production?"""
    pair(metrics={"accuracy": 0.75})
    zoo("runs", "tag", "first", "production")
    assert "+0.25" in zoo("runs", "diff", "@production", "second")


TABLES = st.recursive(
    st.integers() | st.text(max_size=3),
    lambda inner: st.dictionaries(st.text("ab", min_size=1, max_size=2), inner, max_size=3),
)


@given(st.dictionaries(st.text("ab", min_size=1, max_size=2), TABLES, max_size=3))
def test_every_leaf_of_a_table_has_one_dotted_name(table):
    """By which it is found again."""
    leaves = _flat(table)
    assert len(dict(leaves)) == len(leaves)
    for name, value in leaves:
        found = table
        for key in name.split("."):
            found = found[key]
        assert found == value


@pytest.mark.parametrize(
    ("a", "b", "equal"),
    [(1, 1, True), (1, True, False), (0, False, False), ([1], [1], True), (None, None, True)],
)
def test_true_is_not_one(a, b, equal):
    """Though Python has it so."""
    assert _equal(a, b) is equal
