"""Damaged, foreign and hostile files: one family of errors, and never a line of their code run."""

import os
import pickle
import warnings
import zipfile
from collections import OrderedDict
from pathlib import Path

import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from zoo.errors import (
    CorruptWeights,
    IncompatibleWeights,
    UntrustedWeights,
    UsageError,
    ZooError,
)
from zoo.weights import load_weights, read_metadata, read_state_dict, save_weights

SUFFIXES = (".safetensors", ".pth")


def sound_bytes(folder: Path, suffix: str) -> bytes:
    """A file such as ours."""
    torch.manual_seed(0)
    return save_weights(nn.Linear(3, 2), folder / f"sound{suffix}").path.read_bytes()


def refused(file: Path, error: type[ZooError] | tuple[type[ZooError], ...]) -> str:
    """Both doors refuse; the model is as it was. Return the text."""
    model = nn.Linear(3, 2)
    before = model.weight.clone()
    with pytest.raises(error) as raised:
        load_weights(model, file, strict=False)
    assert torch.equal(model.weight, before)
    with pytest.raises(error):
        read_state_dict(file)
    text = str(raised.value)
    assert file.name in text
    assert len(text) < 500
    assert len(text.splitlines()) <= 4
    assert "weights_only" not in text, "torch's advice to run the file's code"
    return text


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_cut_short_anywhere_is_corrupt(tmp_path, suffix):
    """In its header, in its tensors, before its last byte."""
    data = sound_bytes(tmp_path, suffix)
    file = tmp_path / f"cut{suffix}"
    for length in {0, 1, 7, 8, 9, len(data) // 2, len(data) - 1, *range(0, len(data), 41)}:
        file.write_bytes(data[:length])
        text = refused(file, CorruptWeights)
        assert "again" in text, "what to do"


@given(st.binary(max_size=200), st.sampled_from(SUFFIXES))
def test_garbage_is_corrupt(tmp_path_factory, data, suffix):
    """Whatever the bytes."""
    file = tmp_path_factory.mktemp("weights") / f"garbage{suffix}"
    file.write_bytes(data)
    for load in (read_state_dict, lambda path: load_weights(nn.Linear(2, 2), path)):
        with pytest.raises(ZooError, match="garbage"):
            load(file)


@pytest.mark.parametrize("suffix", SUFFIXES)
@given(data=st.data())
def test_flipped_bytes_end_in_a_load_or_in_one_of_our_errors(tmp_path_factory, suffix, data):
    """Of three bytes, anywhere: no other exception comes out, no warning either."""
    folder = tmp_path_factory.mktemp("weights")
    content = bytearray(sound_bytes(folder, suffix))
    for _ in range(3):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    file = folder / f"flipped{suffix}"
    file.write_bytes(content)
    errors = []
    for read in (read_state_dict, lambda path: load_weights(nn.Linear(3, 2), path)):
        try:
            read(file)
        except ZooError as error:
            errors.append(str(error))
    assert all("flipped" in error for error in errors)


@pytest.mark.parametrize(("name", "of"), [("a.pth", ".safetensors"), ("a.safetensors", ".pth")])
def test_a_file_under_the_wrong_suffix_is_corrupt(tmp_path, name, of):
    """Each format under the other's name."""
    (tmp_path / name).write_bytes(sound_bytes(tmp_path, of))
    refused(tmp_path / name, CorruptWeights)


@pytest.mark.parametrize(
    "header",
    [
        b"[]",
        b'{"__metadata__": 3}',
        b'{"__metadata__": {"a": 3}}',
        b'{"__metadata__": {"a": null}}',
        b"[" * 100_000,
        b'{"a": {"dtype": "F99", "shape": [1], "data_offsets": [0, 4]}}',
        b'{"a": {"dtype": "F32", "shape": [1000000000000], "data_offsets": [0, 4]}}',
        b'{"\xff": 3}',
    ],
)
def test_a_bad_header_is_corrupt(tmp_path, header):
    """Not a table, texts that are none, nesting without end, more values than bytes."""
    file = tmp_path / "a.safetensors"
    file.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    refused(file, CorruptWeights)


@pytest.mark.parametrize("length", [0, 1, 50_000, 100_000_001, 2**63, 2**64 - 1])
def test_a_header_of_impossible_length_is_not_read(tmp_path, length):
    """The length is believed only as far as the file goes."""
    file = tmp_path / "a.safetensors"
    file.write_bytes(length.to_bytes(8, "little") + bytes(100))
    with pytest.raises(CorruptWeights):
        read_metadata(file)
    refused(file, CorruptWeights)


def test_bytes_of_a_bool_that_are_neither_0_nor_1_are_true(tmp_path):
    """Torch's kernels take other bytes for undefined."""
    state = {"mask": torch.tensor([False, True, True])}
    safetensors.torch.save_file(state, tmp_path / "a.safetensors")
    data = (tmp_path / "a.safetensors").read_bytes()
    (tmp_path / "a.safetensors").write_bytes(data[:-3] + bytes([0, 5, 2]))
    mask = read_state_dict(tmp_path / "a.safetensors")["mask"]
    assert mask.view(torch.uint8).tolist() == [0, 1, 1]


def test_a_false_note_about_ties_is_not_believed(tmp_path):
    """Notes may name tensors that are not there, or be anything at all."""
    for note in ('{"b": "missing"}', '{"b": 3}', "[1]", "{", "[" * 10_000):
        table = {"zoo.ties": note, "zoo.versions": note}
        file = tmp_path / "a.safetensors"
        safetensors.torch.save_file({"a": torch.ones(2)}, file, metadata=table)
        assert list(read_state_dict(file)) == ["a"]


class Canary:
    """Pickled, it creates a file wherever it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


@pytest.mark.parametrize("environment", [None, "1"])
@pytest.mark.parametrize("kind", ["zip", "legacy", "nested", "key", "plain", "plain 2"])
def test_code_in_a_file_is_never_run(tmp_path, monkeypatch, kind, environment):
    """In either of torch's formats, in a bare pickle, among tensors; whatever is exported."""
    canary, file = tmp_path / "canary", tmp_path / "a.pth"
    hostile = Canary(canary)
    if environment:
        monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", environment)
    match kind:
        case "zip":
            torch.save(hostile, file)
        case "legacy":
            torch.save(hostile, file, _use_new_zipfile_serialization=False)
        case "nested":
            torch.save({"weight": torch.ones(2), "bias": {"a": [hostile]}}, file)
        case "key":
            torch.save({(1, hostile): torch.ones(2)}, file)
        case "plain":
            file.write_bytes(pickle.dumps(hostile))
        case "plain 2":
            file.write_bytes(pickle.dumps(hostile, protocol=2))
    text = refused(file, (UntrustedWeights, CorruptWeights))
    assert not canary.exists()
    if kind != "plain 2":  # of which torch only says that it is not one of its own
        assert "state_dict()" in text


class Model(nn.Linear):
    """Somebody's class, at the top of their module."""


def test_a_whole_model_is_refused_with_the_way_out(tmp_path):
    """It names the class it would need, and says what to save instead."""
    torch.save(Model(3, 2), tmp_path / "a.pth")
    text = refused(tmp_path / "a.pth", UntrustedWeights)
    assert "Model" in text
    assert 'torch.save(model.state_dict(), "a.pth")' in text


def test_a_torchscript_program_is_refused_with_the_way_out(tmp_path):
    """A program, not weights."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated, but there are many of these files
        torch.jit.save(torch.jit.trace(nn.Linear(3, 2), torch.rand(1, 3)), tmp_path / "a.pth")
    assert "state_dict()" in refused(tmp_path / "a.pth", UntrustedWeights)


@pytest.mark.parametrize(
    "value",
    [torch.ones(2), [torch.ones(2)], 3, {"epoch": 3}, {"model": {"weight": torch.ones(2)}}],
)
def test_what_is_no_state_dict_is_incompatible(tmp_path, value):
    """A sound file of something else."""
    torch.save(value, tmp_path / "a.pth")
    assert "state_dict" in refused(tmp_path / "a.pth", IncompatibleWeights)


def test_more_than_tensors_is_no_state_dict(tmp_path):
    """`read_state_dict` drops nothing in silence."""
    torch.save({"a": torch.ones(2), "epoch": 3}, tmp_path / "a.pth")
    with pytest.raises(IncompatibleWeights, match="epoch"):
        read_state_dict(tmp_path / "a.pth")


def test_a_compressed_archive_is_refused_before_it_expands(tmp_path):
    """Some kilobytes could become any number of gigabytes."""
    torch.save({"a": torch.zeros(1_000_000)}, tmp_path / "large.pth")
    with (
        zipfile.ZipFile(tmp_path / "large.pth") as old,
        zipfile.ZipFile(tmp_path / "a.pth", "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for member in old.infolist():
            new.writestr(member.filename, old.read(member))
    assert (tmp_path / "a.pth").stat().st_size < 20_000
    assert "compressed" in refused(tmp_path / "a.pth", CorruptWeights)


def test_an_archive_behind_another_is_refused(tmp_path):
    """What looks for the directory finds the second, and torch reads at the first one's places."""
    first, second = tmp_path / "first.pth", tmp_path / "second.pth"
    torch.save({"weight": torch.ones(2, 3), "bias": torch.ones(2)}, first)
    torch.save({"weight": torch.zeros(2, 3), "bias": torch.zeros(2)}, second)
    (tmp_path / "a.pth").write_bytes(first.read_bytes() + second.read_bytes())
    assert zipfile.is_zipfile(tmp_path / "a.pth")
    assert "directory is not where it says" in refused(tmp_path / "a.pth", CorruptWeights)


def test_an_expanded_view_is_not_filled_in(tmp_path):
    """Four bytes that claim to be a trillion values."""
    torch.save({"weight": torch.zeros(1).expand(10**12)}, tmp_path / "a.pth")
    assert "(1000000000000,) values, more than the file" in refused(
        tmp_path / "a.pth", CorruptWeights
    )
    with pytest.raises(CorruptWeights):
        load_weights(nn.LazyLinear(2), tmp_path / "a.pth")


def test_the_formats_of_old_torch_are_read(tmp_path):
    """From before the archive, and with parameters for tensors."""
    model = nn.Linear(3, 2)
    state = OrderedDict(model.named_parameters())
    torch.save(state, tmp_path / "a.pth", _use_new_zipfile_serialization=False)
    loaded = read_state_dict(tmp_path / "a.pth")
    assert torch.equal(loaded["weight"], model.weight)
    assert type(loaded["weight"]) is torch.Tensor


@pytest.mark.gpu
def test_a_file_saved_from_a_gpu_loads_on_a_machine_without(tmp_path):
    """As plain torch.save leaves it: with the device written into it."""
    torch.save(nn.Linear(3, 2).cuda().state_dict(), tmp_path / "a.pth")
    assert read_state_dict(tmp_path / "a.pth")["weight"].device.type == "cpu"


@pytest.mark.parametrize("name", ["a.pth", "missing/a.pth", "x" * 300 + ".pth", "a\0b.pth"])
def test_a_file_that_is_not_there_is_a_mistake_in_what_was_asked(tmp_path, name):
    """Exit code 2, for every way not to be there."""
    for read in (read_state_dict, lambda path: load_weights(nn.Linear(3, 2), path)):
        with pytest.raises(UsageError) as raised:
            read(tmp_path / name)
        assert raised.value.exit_code == 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes there")
def test_a_pipe_is_not_waited_for(tmp_path):
    """Whoever opens one to read waits until somebody opens it to write."""
    os.mkfifo(tmp_path / "a.safetensors")
    for read in (read_state_dict, read_metadata, lambda p: load_weights(nn.Linear(3, 2), p)):
        with pytest.raises(UsageError, match="pipe"):
            read(tmp_path / "a.safetensors")


def test_the_files_that_may_have_been_meant_are_named(tmp_path):
    """Of a folder its weight files, of a slip of the pen the nearest one."""
    save_weights(nn.Linear(3, 2), tmp_path / "model.safetensors")
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(UsageError, match=r"is a folder.*model\.safetensors") as raised:
        read_state_dict(tmp_path)
    assert "notes" not in str(raised.value)
    with pytest.raises(UsageError, match=r"similar: model\.safetensors"):
        read_state_dict(tmp_path / "modle.safetensors")
