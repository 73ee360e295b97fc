"""A sealed object is read as it was written, or not at all."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo._json import to_json
from zoo._sealed import seal, unseal

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
FINITE = LEAVES.filter(lambda value: value not in (float("inf"), float("-inf")))
VALUES = st.recursive(
    FINITE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text().filter(lambda key: key != "sha256"), VALUES, max_size=4)


@given(OBJECTS)
def test_what_was_sealed_is_read_again(value):
    """From text and from bytes alike."""
    text = seal(value)
    assert unseal(text) == unseal(text.encode()) == value


@given(OBJECTS)
def test_any_reader_of_json_reads_it_and_can_check_the_seal(value):
    """The digest is over the text with zeros in its place, as the documentation says."""
    text = seal(value)
    read = json.loads(text, parse_constant=pytest.fail)
    digest = read.pop("sha256")
    assert read == value
    assert digest == hashlib.sha256(text.replace(digest, "0" * 64, 1).encode()).hexdigest()
    assert next(iter(json.loads(text))) == "sha256"


@given(OBJECTS, st.data())
def test_every_flipped_bit_is_noticed(value, data):
    """Also in the digest itself, and one that makes a capital of its letter."""
    sealed = bytearray(seal(value).encode())
    bit = data.draw(st.integers(0, 8 * len(sealed) - 1))
    sealed[bit // 8] ^= 1 << (bit % 8)
    with pytest.raises(ValueError, match="digest|changed"):
        unseal(bytes(sealed))


def test_every_single_flip_and_every_cut_of_one_object_is_noticed():
    """All of them: chance leaves no place out."""
    sealed = seal({"name": "mine", "metrics": {"accuracy": 0.9921}, "more": [1, None]}).encode()
    for bit in range(8 * len(sealed)):
        broken = bytearray(sealed)
        broken[bit // 8] ^= 1 << (bit % 8)
        with pytest.raises(ValueError, match="digest|changed"):
            unseal(bytes(broken))
    for length in range(len(sealed)):
        with pytest.raises(ValueError, match="digest|changed"):
            unseal(sealed[:length])


@pytest.mark.parametrize("more", ["\n", " ", "{}", "\0"])
def test_what_was_added_at_the_end_is_noticed(more):
    """A reader of JSON would let white space pass."""
    with pytest.raises(ValueError, match="changed"):
        unseal(seal({"a": 1}) + more)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"sha256": "0"}', b"\xff\xfe", '{"a": 1}\n'])
def test_what_was_never_sealed_is_refused(text):
    """Its first bytes would have to be the digest."""
    with pytest.raises(ValueError, match="does not begin with its own digest"):
        unseal(text)


def test_the_key_of_the_seal_is_its_own():
    """Else one digest would hide the other."""
    with pytest.raises(ValueError, match="the seal's own key"):
        seal({"sha256": "mine"})


def sealed_by_others(inner: str) -> str:
    """What a program with a laxer idea of JSON would seal."""
    text = f'{{\n  "sha256": "{"0" * 64}",\n  "a": {inner}\n}}\n'
    return text.replace("0" * 64, hashlib.sha256(text.encode()).hexdigest(), 1)


@pytest.mark.parametrize("inner", ["NaN", "Infinity", "[" * 100_000, "1" * 5000, "'a'"])
def test_a_sealed_text_that_is_no_strict_json_is_refused(inner):
    """By the one error that readers expect."""
    with pytest.raises(ValueError, match=r"."):
        unseal(sealed_by_others(inner))


def test_nan_and_the_infinities_become_null():
    """As everywhere in zoo's JSON."""
    assert unseal(seal({"a": [float("nan"), float("-inf")]})) == {"a": [None, None]}


@given(st.text(st.characters(categories=["Cs", "L"])))
def test_names_that_are_not_unicode_can_be_stored(text):
    """Python makes lone surrogates of a file name's odd bytes, which UTF-8 can't write."""
    written = to_json({"class": text}).encode()
    assert json.loads(written)["class"].encode("utf-16", "surrogatepass") == text.encode(
        "utf-16", "surrogatepass"
    )
