"""A slip of the pen is answered with the name that was meant."""

from hypothesis import given
from hypothesis import strategies as st

from zoo_registry import nearest

NAMES = ["mnist-cnn", "mlp", "resnet18", "adam", "adamw", "radam", "cross-entropy", "one-cycle"]


def test_the_likeliest_name_comes_first():
    """Messages suggest the first, or list a few."""
    assert nearest("mnist-cn", NAMES) == ("mnist-cnn",)
    assert nearest("adamm", NAMES)[0] == "adam"


def test_no_more_names_than_asked_for():
    """A name that many resemble does not fill the screen, and none is given twice."""
    assert len(nearest("adam", ["adam1", "adam2", "adam3", "adam4"])) == 3
    assert sorted(nearest("adam", ["adam1", "adam1", "adam2"], most=2)) == ["adam1", "adam2"]


def test_capitals_make_no_difference():
    """The name comes back as it is spelt where it belongs."""
    assert nearest("MLP", NAMES) == ("mlp",)
    assert nearest("adamw", ["AdamW"]) == ("AdamW",)


def test_nothing_is_suggested_where_nothing_resembles():
    """A far-fetched hint is worse than none."""
    assert nearest("zzzz", NAMES) == ()
    assert nearest("", NAMES) == ()
    assert nearest("adam", []) == ()


@given(name=st.sampled_from(NAMES), where=st.integers(0, 20), letter=st.sampled_from("aeiouxyz"))
def test_one_wrong_letter_is_forgiven(name, where, letter):
    """Left out, put in or mistaken, in any place of a name of four letters or more."""
    if len(name) < 4:
        return
    where %= len(name)
    for typed in (
        name[:where] + name[where + 1 :],
        name[:where] + letter + name[where:],
        name[:where] + letter + name[where + 1 :],
    ):
        assert name in nearest(typed, NAMES)
