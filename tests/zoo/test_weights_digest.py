"""A safetensors file of zoo's tells by itself whether it is what was written."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from zoo import _weight_digest
from zoo._weight_digest import stamp
from zoo._weight_files import inspect_file
from zoo.errors import CorruptWeights, ZooError
from zoo.weights import load_weights, read_metadata, read_state_dict, save_weights

SIZES = st.lists(st.integers(0, 3000), max_size=8)


def saved(folder: Path, state=None) -> Path:
    torch.manual_seed(0)
    state = {"a": torch.rand(3, 2), "b": torch.arange(5), "c": torch.tensor(True)} | (state or {})
    return save_weights(state, folder / "a.safetensors", metadata={"who": "me"}).path


def parsed(data: bytes) -> tuple[bytes, dict, bytes]:
    """Take a file apart with the standard library alone: beginning, header, tensors."""
    length = int.from_bytes(data[:8], "little")
    return data[: 8 + length], json.loads(data[8 : 8 + length]), data[8 + length :]


def rewritten(file: Path, old: bytes, new: bytes) -> Path:
    """Replace bytes in a file, by as many others."""
    data = file.read_bytes()
    assert data.count(old) == 1
    assert len(old) == len(new)
    file.write_bytes(data.replace(old, new))
    return file


def damage(file: Path) -> str:
    """Say what is told of a damaged file: the same by all who read it."""
    with pytest.raises(CorruptWeights) as raised:
        read_state_dict(file)
    with pytest.raises(CorruptWeights):
        load_weights(nn.Linear(1, 1), file)
    with pytest.raises(CorruptWeights):
        inspect_file(file)
    text = str(raised.value)
    assert str(file) in text
    assert "again" in text, "what to do"
    return text


@given(SIZES)
def test_the_digest_is_what_the_docs_say(tmp_path_factory, sizes):
    """Anyone can compute it with hashlib and json: no secret, no library of ours."""
    folder = tmp_path_factory.mktemp("weights")
    file = saved(folder, {f"n{i}": torch.rand(size) for i, size in enumerate(sizes)})
    beginning, header, tensors = parsed(file.read_bytes())
    digest = header.pop("__metadata__")["zoo.sha256"]
    found = hashlib.sha256(beginning.replace(digest.encode(), b"0" * 64))
    for entry in header.values():
        begin, end = entry["data_offsets"]
        found.update(hashlib.sha256(tensors[begin:end]).digest())
    assert found.hexdigest() == digest
    assert inspect_file(file).verified


@given(st.lists(st.integers(0, 100_000), min_size=2, max_size=20), st.integers(1, 8))
def test_threads_and_batches_change_no_digest(tmp_path_factory, sizes, cores):
    """However many cores there are, and wherever the file is cut into batches."""
    state = {f"n{i:02}": torch.full((size,), i) for i, size in enumerate(sizes)}
    folder = tmp_path_factory.mktemp("weights")
    whole = save_weights(state, folder / "a.safetensors").path.read_bytes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_weight_digest, "_BATCH", 50_000)
        patch.setattr(_weight_digest, "_CHUNK", 7_001)
        patch.setattr(_weight_digest, "usable_cores", lambda: cores)
        assert save_weights(state, folder / "b.safetensors").path.read_bytes() == whole
        assert inspect_file(folder / "a.safetensors").verified


def test_the_header_holds_both_marks_and_what_was_given(tmp_path):
    """The format's number, for a time when there is another, and the digest."""
    metadata = read_metadata(saved(tmp_path))
    assert metadata["zoo.format"] == "1"
    assert len(metadata["zoo.sha256"]) == 64
    assert metadata["who"] == "me"


def test_a_changed_value_is_noticed(tmp_path):
    """One that loads, in a tensor of a file that is sound in every other way."""
    file = saved(tmp_path)
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    assert safetensors.torch.load_file(file), "nobody else sees it"
    assert "bytes have changed since it was written" in damage(file)


@pytest.mark.parametrize("mark", [b"zoo.format", b"zoo.sha256"])
def test_a_mark_that_is_lost_is_missed(tmp_path, mark):
    """Else one flipped bit would turn the file into one that carries no digest."""
    assert "has lost" in damage(rewritten(saved(tmp_path), mark, mark[:-1] + b"_"))


def test_another_format_is_said_to_be_newer_or_damage(tmp_path):
    """Which of the two, nobody can tell."""
    file = rewritten(saved(tmp_path), b'"zoo.format":"1"', b'"zoo.format":"2"')
    assert "a newer zoo wrote it" in damage(file)


@pytest.mark.parametrize("digest", ["0" * 64, "0" * 63 + "G", "A" * 64, "ä" * 32])
def test_a_digest_that_is_none_is_damage(tmp_path, digest):
    """Not of hexadecimal digits, not lower-case, not of this file."""
    file = saved(tmp_path)
    old = read_metadata(file)["zoo.sha256"].encode()
    damage(rewritten(file, old, digest.encode()))


def test_marks_that_another_program_wrote_are_damage(tmp_path):
    """A header laid out otherwise has no place for the digest that we could tell."""
    header = {"__metadata__": {"zoo.format": "1", "zoo.sha256": "0" * 64}}
    text = json.dumps(header).encode()  # with a space after each colon
    file = tmp_path / "a.safetensors"
    file.write_bytes(len(text).to_bytes(8, "little") + text)
    assert "0 digests" in damage(file)


@pytest.mark.parametrize("key", ['x"zoo.sha256', ',"zoo.sha256', "zoo.sha256", '{"zoo.sha256'])
def test_metadata_that_look_like_the_digest_are_told_from_it(tmp_path, key):
    """Whatever texts are given, the digest is found and holds; a digest given is not kept."""
    table = {key: "1" * 64, "a": f'{{"{key}":"{"2" * 64}"}}'}
    file = save_weights({"zoo.sha256": torch.ones(2)}, tmp_path / "a.safetensors", metadata=table)
    assert inspect_file(file.path).verified
    metadata = read_metadata(file.path)
    assert metadata["a"] == table["a"]
    assert (metadata[key] == "1" * 64) == (key != "zoo.sha256")


def test_other_programs_files_are_read_without_a_digest(tmp_path):
    """They carry none, and nothing is claimed of them."""
    safetensors.torch.save_file({"a": torch.ones(2)}, tmp_path / "a.safetensors")
    assert read_state_dict(tmp_path / "a.safetensors")["a"].sum() == 2
    assert not inspect_file(tmp_path / "a.safetensors").verified


def test_what_was_verified_elsewhere_is_not_hashed_again(tmp_path):
    """A run's record has a digest of the whole file; two would cost twice."""
    file = saved(tmp_path)
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    state = read_state_dict(file, verified=True)
    assert state.keys() == {"a", "b", "c"}
    model = nn.ParameterDict({"a": torch.zeros(3, 2)})
    assert load_weights(model, file, strict=False, verified=True).loaded == ("a",)


def test_a_file_cut_short_while_it_is_hashed_is_an_error(tmp_path):
    """A map of it would end the process with a signal."""
    file = save_weights({"a": torch.zeros(1 << 20)}, tmp_path / "a.safetensors").path
    with file.open("rb", buffering=0) as stream:
        header = _weight_digest.read_header(stream, file.stat().st_size)
        os.truncate(file, 1 << 20)
        with pytest.raises(ValueError, match="ends at byte 1048576"):
            _weight_digest.verify(stream, header)


def test_a_stamp_needs_a_place_for_it(tmp_path):
    """A file without marks stays as it is."""
    table = {"who": "them"}
    safetensors.torch.save_file({"a": torch.ones(2)}, tmp_path / "a.safetensors", metadata=table)
    before = (tmp_path / "a.safetensors").read_bytes()
    with pytest.raises(ValueError, match="0 digests"):
        stamp(tmp_path / "a.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == before


def test_equal_weights_and_metadata_make_equal_bytes(tmp_path):
    """Else no two trainings could end with the same file; safetensors shuffles its metadata."""
    table = {f"key {number}": 'häuser\n"\\\x7f\x1f' for number in range(9)}
    state = {"a": torch.ones(2), "größe\t": torch.ones(3)}
    files = {
        save_weights(state, tmp_path / f"{n}.safetensors", metadata=table).path.read_bytes()
        for n in range(5)
    }
    assert len(files) == 1
    assert read_metadata(tmp_path / "0.safetensors").items() > table.items()


def test_what_was_verified_is_what_is_loaded(tmp_path, monkeypatch):
    """A file that takes the other's place after it was verified is verified in its turn."""
    file = saved(tmp_path)
    damaged = bytearray(saved(tmp_path).read_bytes())
    damaged[-1] ^= 1
    verify = _weight_digest.verify

    def verify_then_replace(stream, header):
        found = verify(stream, header)
        (tmp_path / "new").write_bytes(damaged)
        (tmp_path / "new").replace(file)
        return found

    monkeypatch.setattr("zoo.weights._safetensors.verify", verify_then_replace)
    with pytest.raises(CorruptWeights, match="bytes have changed"):
        read_state_dict(file)


def test_two_writers_and_a_reader_on_one_name(tmp_path):
    """200 rounds: the reader sees one writer's file, whole, each time; nothing else is left."""
    code = """
import sys
from pathlib import Path
import torch
from zoo.weights import save_weights
folder, value = Path(sys.argv[1]), float(sys.argv[2])
torch.set_num_threads(1)
state = {"a": torch.full((5000,), value), "b": torch.full((7,), value)}
while not (folder / "stop").exists():
    save_weights(state, folder / "a.safetensors", metadata={"writer": str(value)})
"""
    save_weights({"a": torch.ones(5000), "b": torch.ones(7)}, tmp_path / "a.safetensors")
    writers = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(n)]) for n in (1, 2)
    ]
    try:
        seen = set()
        for _ in range(200):
            state = read_state_dict(tmp_path / "a.safetensors")
            values = {value for tensor in state.values() for value in tensor.unique().tolist()}
            assert len(values) == 1
            seen |= values
        while len(seen) < 2:  # both take part, however the machine schedules them
            seen |= set(read_state_dict(tmp_path / "a.safetensors")["b"].tolist())
            assert all(writer.poll() is None for writer in writers)
    finally:
        (tmp_path / "stop").touch()
        codes = [writer.wait(timeout=60) for writer in writers]
    assert codes == [0, 0]
    assert {file.name for file in tmp_path.iterdir()} == {"a.safetensors", "stop"}


def test_hashing_leaves_no_thread_behind(tmp_path):
    """Also where it fails."""
    before = threading.active_count()
    state = {name: torch.zeros(20 << 20) for name in "ab"}
    assert save_weights(state, tmp_path / "a.safetensors").size > 160 << 20
    assert threading.active_count() == before
    os.truncate(tmp_path / "a.safetensors", 100 << 20)
    with pytest.raises(ZooError):
        read_state_dict(tmp_path / "a.safetensors")
    assert threading.active_count() == before
