"""An annotation's text says what a value must be, without being evaluated."""

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo._annotations import convert, describe


class Opaque:
    """An object that is no plain data, such as a tensor."""


OPAQUE = Opaque()


@pytest.mark.parametrize(
    ("value", "annotation", "expected"),
    [
        (1, "int", 1),
        (1, "float", 1.0),
        (1, "int | float", 1),
        (1, "float | int", 1),
        ("a", "str", "a"),
        (True, "bool", True),
        (None, "int | None", None),
        (3, "Optional[int]", 3),
        (None, "typing.Optional[int]", None),
        ("a", "Union[int, str]", "a"),
        (3, "'int | None'", 3),
        (3, "Annotated[int, 'in pixels']", 3),
        ([1, 2], "tuple[int, ...]", (1, 2)),
        ([1, 2], "tuple[int, float]", (1, 2.0)),
        ([1, 2], "Tuple[int, int]", (1, 2)),
        ((1, 2), "list[int]", [1, 2]),
        ([1, 2], "collections.abc.Sequence[int]", [1, 2]),
        ([1, 2], "Iterable[int]", [1, 2]),
        ([1, 2], "int | tuple[int, int]", (1, 2)),
        ([1, 2], "list[int] | tuple[int, ...]", [1, 2]),
        ([[1, 2], 3], "list[tuple[int, int] | int]", [(1, 2), 3]),
        ([1, "a"], "list", [1, "a"]),
        ({"a": 1}, "dict[str, float]", {"a": 1.0}),
        ({"a": 1}, "Mapping[str, Any]", {"a": 1}),
        ("relu", "Literal['relu', 'tanh']", "relu"),
        (2, "Literal[1, 2] | None", 2),
        ("data", "Path", Path("data")),
        (Path("data"), "pathlib.Path", Path("data")),
        ("data", "Path | None", Path("data")),
        ("data", "str | Path", "data"),
        (0.5, "float | Tensor", 0.5),
        ([0.9, 1], "tuple[float | Tensor, float | Tensor]", (0.9, 1.0)),
    ],
)
def test_a_fitting_value_is_converted(value, annotation, expected):
    """The value comes back equal to what is expected, and of its type."""
    converted = convert(value, annotation)
    assert converted == expected
    assert type(converted) is type(expected)


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        (True, "int"),
        (True, "float"),
        (1, "bool"),
        (1.0, "int"),
        ("1", "int"),
        ("1", "float"),
        (1, "str"),
        (None, "int"),
        ("ab", "Sequence[str]"),
        ("ab", "list[str]"),
        ([1, "a"], "tuple[int, ...]"),
        ([1], "tuple[int, int]"),
        ({"a": "b"}, "dict[str, int]"),
        ("gelu", "Literal['relu', 'tanh']"),
        ("gelu", "Optional[Literal['relu', 'tanh']]"),
        (1, "Path"),
        ("high", "float | Tensor"),
        ([0.9, "high"], "tuple[float | Tensor, float | Tensor]"),
        ([OPAQUE], "list[int]"),
    ],
)
def test_a_value_of_another_type_is_refused(value, annotation):
    """No string is parsed, no bool is a number, no number is cut."""
    with pytest.raises(ValueError, match="not "):
        convert(value, annotation)


@pytest.mark.parametrize(
    "annotation",
    ["", "Tensor", "Callable[..., int]", "type[int]", "not an annotation", "f(x)", "?"],
)
@pytest.mark.parametrize("value", [1, "a", [1], OPAQUE])
def test_what_is_not_understood_allows_anything(value, annotation):
    """A plugin's own types are its builder's business."""
    assert convert(value, annotation) is value or convert(value, annotation) == value


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        (OPAQUE, "float | Tensor"),
        ([OPAQUE, 0.9], "tuple[float | Tensor, float | Tensor]"),
        ({"a": OPAQUE}, "dict[str, Tensor] | None"),
    ],
)
def test_an_object_passes_where_part_of_the_annotation_is_not_understood(value, annotation):
    """A tensor given from Python may be just what the unknown part stands for."""
    assert convert(value, annotation) == value


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        ("int", "an int"),
        ("float | None", "a float"),
        ("None", "a None"),
        ("int | str", "an int or a str"),
        ("Union[int, None, str]", "an int or a str"),
        ("float | Tensor", "a float"),
        ("list[int | str]", "a list[int | str]"),
        ("Literal['a', 'b'] | None", "one of 'a', 'b'"),
        ("Optional[Literal[1, 2]]", "one of 1, 2"),
    ],
)
def test_a_message_says_what_is_allowed(annotation, text):
    """In words, without what can't be written on a command line."""
    assert describe(annotation) == text


_PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(value=_PLAIN)
def test_a_value_fits_the_type_that_it_is_of(value):
    """Whatever TOML can hold passes under the name of its own type, unchanged."""
    annotation = type(value).__name__ if value is not None else "None"
    assert convert(value, annotation) == value
    assert type(convert(value, annotation)) is type(value)


@given(value=_PLAIN, others=st.lists(st.sampled_from(["int", "float", "str", "list", "dict"])))
def test_a_union_never_changes_a_value_that_fits_one_of_its_members(value, others):
    """`float | int` leaves 1 an int, wherever in the union the member stands."""
    own = type(value).__name__ if value is not None else "None"
    for annotation in (" | ".join([own, *others]), f"Union[{', '.join([*others, own])}]"):
        converted = convert(value, annotation)
        assert converted == value
        assert type(converted) is type(value)


@given(annotation=st.text(alphabet="intsrUoOpal[],.| 'Ne()\"", max_size=30))
def test_no_text_of_an_annotation_is_an_accident(annotation):
    """Any text a plugin may write either checks the value or lets it pass."""
    try:
        assert convert(1, annotation) == 1
    except ValueError:
        assert describe(annotation)


def test_an_annotation_is_never_evaluated(tmp_path):
    """The text of a plugin's source is data here, not code."""
    path = tmp_path / "made"
    annotation = f"list[open({str(path)!r}, 'w')]"
    assert ast.parse(annotation)
    convert([1], annotation)
    describe(annotation)
    assert not path.exists()
