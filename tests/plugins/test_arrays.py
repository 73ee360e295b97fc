"""Datasets from `.npz` files: which arrays are read, and what is said of files that won't do."""

import zipfile

import numpy as np
import pytest
import torch

import zoo
from zoo.data import array_names, read_arrays
from zoo.errors import InvalidData
from zoo_arrays.npz import npz


@pytest.fixture
def save(tmp_path):
    """Write arrays to a file; return its path."""

    def write(**arrays):
        np.savez_compressed(tmp_path / "data.npz", **arrays)
        return tmp_path / "data.npz"

    return write


def read(path, **options):
    return npz(path.parent, str(path), **options)


X, Y = np.arange(20, dtype=np.float32).reshape(10, 2), np.arange(10) % 2


def test_train_and_test_arrays_are_the_splits(save):
    """As they are; without test arrays there is no test split."""
    splits = read(save(x_train=X, y_train=Y, x_test=X[:3], y_test=Y[:3]))
    assert (len(splits.train), len(splits.test)) == (10, 3)
    assert torch.equal(splits.test.samples, torch.from_numpy(X[:3]))
    assert read(save(x_train=X, y_train=Y)).test is None


def test_a_part_of_a_whole_is_held_out(save):
    """As many as asked for, drawn by the split's own seed."""
    path = save(x=X, y=Y)
    first, again, other = (read(path, test_fraction=0.3, split_seed=s) for s in (0, 0, 1))
    assert len(first.test) == 3
    assert torch.equal(first.test.samples, again.test.samples)
    assert not torch.equal(first.test.samples, other.test.samples)
    held, kept = (set(part.samples[:, 0].tolist()) for part in (first.test, first.train))
    assert held.isdisjoint(kept)


def test_images_bring_their_statistics(save):
    """Per channel, of bytes scaled to 0..1; tables bring none."""
    pixels = np.random.default_rng(0).integers(0, 256, (10, 6, 5, 3)).astype(np.uint8)
    splits = read(save(x_train=pixels, y_train=Y))
    assert splits.train.samples.shape == (10, 3, 6, 5)
    assert splits.mean == pytest.approx((pixels / 255).mean((0, 1, 2)))
    assert splits.std == pytest.approx((pixels / 255).std((0, 1, 2)))
    assert read(save(x=X, y=Y)).mean == ()


@pytest.mark.parametrize(("given", "lacking"), [("x_test", "y_test"), ("y_test", "x_test")])
def test_half_a_test_split_is_refused(save, given, lacking):
    """Quietly training without a test split would be a surprise."""
    with pytest.raises(InvalidData, match=f"has {given} but no {lacking}"):
        read(save(x_train=X, y_train=Y, **{given: X}))


def test_missing_arrays_are_said(save):
    """With those that are there."""
    with pytest.raises(InvalidData, match="has the arrays x, z; it needs x_train"):
        read(save(x=X, z=Y))


def test_only_what_is_needed_is_read(save):
    """An array of objects beside the data is left alone; as data it is refused, unpickled."""
    names = np.array(["a", None], dtype=object)
    path = save(x=X, y=Y, names=names)
    assert len(read(path).train) == 8
    assert array_names(path) == ["x", "y", "names"]
    with pytest.raises(InvalidData, match="'names' holds Python objects"):
        read_arrays(path)
    with pytest.raises(InvalidData, match="'y' holds Python objects"):
        read(save(x=X[:2], y=names))


def test_an_array_that_is_not_there_is_named(save):
    with pytest.raises(InvalidData, match="no array z; it has x, y"):
        read_arrays(save(x=X, y=Y), ["z"])


def test_a_folder_and_a_missing_file_are_told_apart(tmp_path):
    with pytest.raises(InvalidData, match="is a folder"):
        zoo.read_arrays(tmp_path)
    with pytest.raises(InvalidData, match="there is no file"):
        zoo.read_arrays(tmp_path / "none.npz")


def test_a_single_array_is_no_npz(tmp_path):
    """An .npy under another name."""
    with (tmp_path / "one.npz").open("wb") as file:
        np.save(file, X)
    with pytest.raises(InvalidData, match="is a single array"):
        zoo.read_arrays(tmp_path / "one.npz")


def test_a_member_that_is_no_array_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "odd.npz", "w") as file:
        file.writestr("x", b"hello")
    with pytest.raises(InvalidData, match="'x' is no array"):
        zoo.read_arrays(tmp_path / "odd.npz")


@pytest.mark.parametrize("part", ["start", "data", "method", "flags", "directory", "half", "all"])
def test_a_damaged_file_is_said(save, part):
    """Wherever the damage is: one error that names the file, no traceback of zip or zlib."""
    path = save(x=np.random.default_rng(0).normal(size=(200, 2)), y=np.zeros(200))
    content = bytearray(path.read_bytes())
    directory = content.index(b"PK\x01\x02")
    spans = {"start": (0, 4), "data": (60, 90), "method": (directory + 10, directory + 12),
             "flags": (directory + 8, directory + 9), "directory": (directory, directory + 4),
             "half": (len(content) // 2, len(content)), "all": (0, len(content))}  # fmt: skip
    start, end = spans[part]
    content[start:end] = b"\x01" * (end - start) if part != "half" else b""
    path.write_bytes(content)
    with pytest.raises(InvalidData, match=r"data\.npz"):
        zoo.read_arrays(path)
