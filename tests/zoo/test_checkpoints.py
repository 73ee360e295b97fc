"""Checkpoints hold any state to the bit, appear whole, and are believed only when sound."""

import json
import os
import shutil
import sys
import threading
from collections import Counter, OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from zoo.checkpoints import (
    MODEL,
    Saver,
    _saver,
    checkpoints,
    join_tree,
    map_tensors,
    read_checkpoint,
    split_tree,
    write_checkpoint,
)
from zoo.errors import CorruptCheckpoint, UsageError
from zoo.weights import load_weights

FILES = ("model.safetensors", "state.safetensors", "state.json", "manifest.json")
KEYS = st.one_of(st.text(max_size=5), st.integers(), st.just("$"), st.booleans())
DTYPES = (torch.float32, torch.bfloat16, torch.int64, torch.uint8, torch.bool, torch.float64)


@st.composite
def tensors(draw):
    """A tensor of any of the common dtypes, NaN and 0-d among them."""
    shape = draw(st.lists(st.integers(0, 3), max_size=3))
    seed = draw(st.integers(0, 2**31))
    values = torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 3
    return values.to(draw(st.sampled_from(DTYPES)))


LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), tensors()
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner, inner),
        st.dictionaries(KEYS, inner, max_size=3),
        st.dictionaries(st.integers(), st.integers(), max_size=3).map(Counter),
    ),
    max_leaves=8,
)


def same(one, other):
    """Whether two trees are equal in every type and bit."""
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        facts = [
            (t.dtype, t.shape, t.contiguous().flatten().view(torch.uint8)) for t in (one, other)
        ]
        return facts[0][:2] == facts[1][:2] and torch.equal(facts[0][2], facts[1][2])
    if isinstance(one, dict) and type(one) is type(other):
        keys = [(type(key), key) for key in one]
        return keys == [(type(key), key) for key in other] and all(
            same(one[key], other[key]) for key in one
        )
    if isinstance(one, list | tuple) and type(one) is type(other):
        return len(one) == len(other) and all(map(same, one, other))
    return repr(one) == repr(other)  # a NaN is like another, 0.0 unlike -0.0


@given(TREES)
def test_a_state_is_the_same_after_it_was_taken_apart(tree):
    """Through JSON and back: dicts with any keys, tuples, Counters, infinities, every dtype."""
    skeleton, found = split_tree(tree)
    assert same(join_tree(json.loads(json.dumps(skeleton, allow_nan=False)), found), tree)


@given(TREES)
def test_a_copied_state_shares_nothing(tree):
    """Equal, and no container or tensor is the same object."""
    copy = map_tensors(tree, lambda _place, tensor: tensor.clone())
    assert same(copy, tree)
    if isinstance(tree, list | dict):
        assert copy is not tree


ALIKE = {
    "a.b": torch.zeros(2), "a": {"b": torch.ones(2)}, "0": torch.full((2,), 2.0),
    0: torch.full((2,), 3.0), "": torch.full((2,), 4.0), "True": torch.full((2,), 5.0),
    True: torch.full((2,), 6.0), 1.5: torch.full((2,), 7.0), "1": {"5": torch.full((2,), 8.0)},
}  # fmt: skip


def test_names_that_look_alike_are_told_apart(tmp_path):
    """A name with a dot is no path, and a text no number: each tensor has a place of its own."""
    skeleton, found = split_tree(ALIKE)
    assert len(found) == len(ALIKE)
    assert same(join_tree(json.loads(json.dumps(skeleton)), found), ALIKE)
    writing = saver(tmp_path)
    for step in (1, 2, 3):  # from the third on in the memory of the first
        writing.save(step, weights(), ALIKE, ended=False)
        writing.wait()
    writing.close()
    assert same(read_checkpoint(checkpoints(tmp_path)[0]).state, ALIKE)


def test_numpy_values_are_kept():
    """Scalars as numbers, arrays as arrays; nothing is pickled."""
    tree = {"step": np.int64(3), "keys": np.arange(4, dtype=np.uint32), "rate": np.float64(0.1)}
    skeleton, found = split_tree(tree)
    assert same(join_tree(skeleton, found), {**tree, "step": 3, "rate": 0.1})


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", lambda: None, 1j])
def test_what_no_json_or_tensor_can_say_is_refused_by_its_place(value):
    """Before a training, rather than in the middle of it."""
    with pytest.raises(UsageError, match=r"groups\.0\.odd is a \w+, which can't be stored"):
        split_tree({"groups": [{"odd": value}]})


@pytest.mark.parametrize(
    "skeleton",
    [
        {"$": "tensor", "value": "missing"},
        {"$": "odd", "value": 1},
        {"$": "float", "value": "one"},
        {"$": "dict", "value": 3},
        {"$": "tuple"},
    ],
)
def test_a_skeleton_of_another_form_is_no_state(skeleton):
    """It ends as one error that says what can't be put together."""
    with pytest.raises(ValueError, match=r"\$|kind|together|float"):
        join_tree(skeleton, {})


def weights(value=1.0):
    return OrderedDict(w=torch.full((3, 2), value), b=torch.arange(4))


def written(folder, step=7, ended=False, value=1.0):
    state = {"parts": {"optimizer": [torch.ones(2), (0.9, 0.99)]}, "history": {"bytes": 3}}
    return write_checkpoint(folder, step, weights(value), state, ended=ended)


def test_a_checkpoint_is_read_as_it_was_written(tmp_path):
    """Weights under their names, the rest as the tree it was; the weights are portable."""
    path = written(tmp_path)
    found = read_checkpoint(path)
    assert (found.step, found.path.name) == (7, "step-00000007")
    assert same(dict(found.model), dict(weights()))
    assert same(found.state["parts"], {"optimizer": [torch.ones(2), (0.9, 0.99)]})
    assert sorted(file.name for file in path.iterdir()) == sorted(FILES)
    module = torch.nn.Module()
    module.w = torch.nn.Parameter(torch.zeros(3, 2))
    module.register_buffer("b", torch.zeros(4, dtype=torch.int64))
    assert load_weights(module, path / MODEL).complete


def test_the_step_decides_which_is_the_newest(tmp_path):
    """Not the time, which a clock may set back; an epoch's end comes after its last step."""
    for step, ended in ((20, False), (100, False), (20, True), (3, True)):
        written(tmp_path, step, ended)
    assert [path.name for path in checkpoints(tmp_path)] == [
        "step-00000100",
        "step-00000020-end",
        "step-00000020",
        "step-00000003-end",
    ]


def test_one_that_is_there_is_kept(tmp_path):
    """A resumed training comes by the same step once more; nothing published is overwritten."""
    path = written(tmp_path)
    before = (path / "manifest.json").stat().st_ino
    assert written(tmp_path, value=5.0) == path
    assert (path / "manifest.json").stat().st_ino == before


def test_one_that_is_there_and_damaged_is_written_again(tmp_path):
    """It could not be removed, say, when the training went back to the one before."""
    path = written(tmp_path)
    (path / MODEL).write_bytes(b"")
    assert written(tmp_path, value=5.0) == path
    assert read_checkpoint(path).model["w"].eq(5).all()


@pytest.mark.skipif(sys.platform != "linux", reason="what a descriptor means is asked of /proc")
def test_the_disk_has_all_of_it_before_it_has_its_name(tmp_path, monkeypatch):
    """A power cut finds it whole or not at all: what is in it is synced before it is renamed."""
    calls = []

    def noted(name, genuine):
        def call(what, *args, **kwargs):
            place = Path(f"/proc/self/fd/{what}").readlink() if name == "fsync" else what
            calls.append((name, str(place)))
            return genuine(what, *args, **kwargs)

        return call

    for name in ("fsync", "rename"):
        monkeypatch.setattr(os, name, noted(name, getattr(os, name)))
    path = written(tmp_path)
    (renamed,) = [place for name, place in calls if name == "rename"]
    at = calls.index(("rename", renamed))
    before = [place for name, place in calls[:at] if name == "fsync"]
    after = [place for name, place in calls[at:] if name == "fsync"]
    assert before == [str(tmp_path), *(f"{renamed}/{file}" for file in FILES), renamed]
    assert after == [str(path.parent)]


@pytest.mark.parametrize("name", FILES)
def test_any_flipped_bit_is_noticed(tmp_path, name):
    """In each of the files, at many places, the first and the last among them."""
    path = written(tmp_path)
    whole = (path / name).read_bytes()
    places = {0, len(whole) - 1, *range(0, len(whole), max(1, len(whole) // 60))}
    for place in places:
        for bit in (0, 5):
            changed = bytearray(whole)
            changed[place] ^= 1 << bit
            (path / name).write_bytes(changed)
            with pytest.raises(CorruptCheckpoint, match="step-00000007 is not what was stored"):
                read_checkpoint(path)
    (path / name).write_bytes(whole)
    assert read_checkpoint(path).step == 7


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_short_or_gone_is_noticed(tmp_path, name):
    """At every sixteenth; and where it is missing altogether."""
    path = written(tmp_path)
    whole = (path / name).read_bytes()
    for sixteenth in range(16):
        (path / name).write_bytes(whole[: len(whole) * sixteenth // 16])
        with pytest.raises(CorruptCheckpoint):
            read_checkpoint(path)
    (path / name).unlink()
    with pytest.raises(CorruptCheckpoint):
        read_checkpoint(path)


def saver(folder, keep=2, before=lambda: None):
    return Saver(folder, keep, before)


def test_what_training_changes_next_does_not_reach_a_checkpoint(tmp_path):
    """The state is copied when it is given; its memory is used again for the next."""
    model, state = weights(), {"mean": torch.zeros(5)}
    writing = saver(tmp_path)
    for step in (1, 2, 3):
        model["w"].fill_(step)
        state["mean"].fill_(step)
        writing.save(step, model, state, ended=False)
        model["w"].fill_(-1)
        state["mean"].fill_(-1)
        assert [path.name for path in writing.wait()] == [f"step-0000000{step}"]
        found = read_checkpoint(checkpoints(tmp_path)[0])
        assert found.model["w"].eq(step).all()
        assert found.state["mean"].eq(step).all()
    writing.close()


def test_tied_weights_are_stored_once(tmp_path):
    """One tensor under two names takes the memory, and the file, of one."""
    shared = torch.randn(1000)
    writing = saver(tmp_path)
    writing.save(1, OrderedDict(a=shared, b=shared), {}, ended=False)
    writing.wait()
    writing.close()
    path = checkpoints(tmp_path)[0]
    assert (path / MODEL).stat().st_size < 1.5 * 4 * 1000
    found = read_checkpoint(path).model
    assert torch.equal(found["a"], shared)
    assert torch.equal(found["b"], shared)


def test_the_newest_are_kept(tmp_path):
    """As many as asked for; older ones go only once a newer is there."""
    writing = saver(tmp_path, keep=3)
    for step in range(1, 7):
        writing.save(step, weights(), {}, ended=False)
        writing.wait()
        assert len(checkpoints(tmp_path)) == min(step, 3)
    writing.close()
    assert [path.name[-1] for path in checkpoints(tmp_path)] == ["6", "5", "4"]


def test_an_older_one_goes_only_after_the_newer_was_read_again(tmp_path, monkeypatch):
    """A disk that does not keep what it took must not cost what it kept."""
    for step in (1, 2):
        written(tmp_path, step)
    publish = _saver.write_checkpoint

    def spoilt(*args, **kwargs):
        path = publish(*args, **kwargs)
        with (path / "state.json").open("ab") as file:
            file.write(b" ")
        return path

    monkeypatch.setattr(_saver, "write_checkpoint", spoilt)
    writing = saver(tmp_path)
    writing.save(3, weights(), {}, ended=False)
    with pytest.raises(CorruptCheckpoint, match="step-00000003 is not what was stored"):
        writing.wait()
    writing.close()
    assert [read_checkpoint(path).step for path in checkpoints(tmp_path)[1:]] == [2, 1]


def test_training_does_not_wait_for_a_slow_disk(tmp_path):
    """While one is written the newest given waits, and those in between are passed over."""
    go, begun = threading.Event(), threading.Event()

    def slow():
        begun.set()
        go.wait(30)

    writing = saver(tmp_path, keep=5, before=slow)
    writing.save(1, weights(1), {}, ended=False)
    begun.wait(30)
    for step in (2, 3, 4):
        writing.save(step, weights(step), {}, ended=False)
    assert writing.poll() == []
    go.set()
    assert [path.name[-1] for path in writing.wait()] == ["1", "4"]
    assert read_checkpoint(checkpoints(tmp_path)[0]).model["w"].eq(4).all()
    writing.close()


def test_an_error_of_the_background_reaches_the_training(tmp_path):
    """At the next poll, and again at each: nothing goes on as if it were stored."""
    writing = saver(tmp_path)
    writing.save(1, weights(), {"odd": torch.ones(2, dtype=torch.complex128)}, ended=False)
    for look in (writing.wait, writing.poll):
        with pytest.raises(UsageError, match="complex128"):
            look()
    writing.close()
    assert checkpoints(tmp_path) == []
    assert list((tmp_path / "checkpoints").iterdir()) == []


def test_closing_waits_for_what_was_given_unless_at_once(tmp_path):
    """An orderly end loses nothing; a second Ctrl-C does not wait for a disk."""
    writing = saver(tmp_path)
    writing.save(1, weights(), {}, ended=False)
    writing.close()
    assert len(checkpoints(tmp_path)) == 1
    go, begun = threading.Event(), threading.Event()
    held = saver(tmp_path, before=lambda: (begun.set(), go.wait(30)))
    held.save(2, weights(), {}, ended=False)
    begun.wait(30)
    held.close(at_once=True)
    assert len(checkpoints(tmp_path)) == 1
    go.set()


def test_a_folder_without_checkpoints_has_none(tmp_path):
    """Also where others keep their own things in it."""
    assert checkpoints(tmp_path) == []
    for name in ("notes", ".step-00000003.12.ab.partial", "step-3", "step-00000003-x"):
        (tmp_path / "checkpoints" / name).mkdir(parents=True)
    assert checkpoints(tmp_path) == []
    shutil.rmtree(tmp_path / "checkpoints")
