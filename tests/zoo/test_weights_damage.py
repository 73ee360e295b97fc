"""Damaged at any place, a file is told of, or in torch's format loads as it was."""

import random
from collections import Counter
from pathlib import Path

import pytest
import torch
from torch import nn

from zoo._weight_files import inspect_file
from zoo.errors import CorruptWeights, ZooError
from zoo.weights import load_weights, read_state_dict, save_weights

SUFFIXES = (".safetensors", ".pth")
FLIPS = 500
"""Of a bit at a random place, in each format."""


def network() -> nn.Module:
    """Floats, counters, half floats, a tied tensor."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Linear(8, 8), nn.Linear(8, 6))
    net[2].half()
    net.register_buffer("mask", torch.tensor([True, False, True]))
    net.tied = nn.Linear(6, 8, bias=False)
    net.tied.weight = net[0].weight
    return net


@pytest.fixture(scope="module", params=SUFFIXES)
def sound(request, tmp_path_factory):
    """A sound file of each format."""
    folder = tmp_path_factory.mktemp("sound")
    return save_weights(network(), folder / f"sound{request.param}").path


def outcome(sound: Path, file: Path, data: bytes) -> str:
    """Load damaged bytes: `detected`, `same` tensors, or `other` ones."""
    file.write_bytes(data)
    model = network()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state, said = None, ""
    try:
        state = read_state_dict(file)
    except ZooError as error:
        said = str(error)
    if state is not None:
        return "same" if equal(state, read_state_dict(sound)) else "other"
    assert str(file) in said
    with pytest.raises(ZooError):
        load_weights(model, file)
    assert all(torch.equal(v, before[name]) for name, v in model.state_dict().items())
    return "detected"


def equal(one, other) -> bool:
    """Names, their order, dtypes, shapes, bytes and the modules' versions."""
    versions = [getattr(state, "_metadata", None) for state in (one, other)]
    if list(one) != list(other) or versions[0] != versions[1]:
        return False
    pairs = [(one[name], other[name]) for name in one]
    return all(
        a.dtype == b.dtype
        and a.shape == b.shape
        and torch.equal(a.reshape(-1).view(torch.uint8), b.reshape(-1).view(torch.uint8))
        for a, b in pairs
    )


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_flipped_bits_are_detected(sound, tmp_path):
    """Each of 500: in a safetensors file always; in a .pth what is not detected changes nothing.

    A zip archive has places that mean nothing: padding, times, a copy of each member's facts.
    """
    data, chosen = sound.read_bytes(), random.Random(0)
    bits = [chosen.randrange(8 * len(data)) for _ in range(FLIPS)]
    found = Counter(outcome(sound, tmp_path / sound.name, flipped(data, bit)) for bit in bits)
    assert found.total() == FLIPS
    assert found["other"] == 0, found
    if sound.suffix == ".safetensors":
        assert found["detected"] == FLIPS, found
    else:
        assert found["detected"] > FLIPS // 4, found


def test_every_bit_of_the_header_is_detected(tmp_path):
    """Names, shapes, marks, notes, punctuation; and the header's length."""
    sound = save_weights({"b": torch.rand(2), "a": torch.ones(3)}, tmp_path / "a.safetensors").path
    data = sound.read_bytes()
    length = 8 + int.from_bytes(data[:8], "little")
    for bit in range(8 * length):
        assert outcome(sound, tmp_path / "b.safetensors", flipped(data, bit)) == "detected", bit
        with pytest.raises(CorruptWeights):
            inspect_file(tmp_path / "b.safetensors")


def test_no_bit_of_an_archives_directory_changes_a_tensor(tmp_path):
    """Sizes, offsets, attributes: of one member in both places, and the records at the end.

    There is one that makes torch take a tensor for a folder, and its memory for the values.
    """
    sound = save_weights({"a": torch.rand(9)}, tmp_path / "sound.pth").path
    data, name = sound.read_bytes(), b"archive/data/0"
    first, last = data.index(name), data.rindex(name)
    places = [*range(first - 30, first + len(name)), *range(last - 46, last + len(name))]
    for place in [*places, *range(len(data) - 98, len(data))]:
        for bit in range(8 * place, 8 * place + 8):
            found = outcome(sound, tmp_path / "b.pth", flipped(data, bit))
            assert found in ("detected", "same"), (place, data[place - 8 : place + 8])


def test_a_file_cut_short_anywhere_is_detected(sound, tmp_path):
    """At each sixteenth, each byte of what comes first, and at random places."""
    data, chosen = sound.read_bytes(), random.Random(1)
    first = int.from_bytes(data[:8], "little") + 8 if sound.suffix == ".safetensors" else 300
    lengths = {len(data) * part // 16 for part in range(16)} | set(range(first + 1))
    lengths |= {chosen.randrange(len(data)) for _ in range(100)} | {len(data) - 1}
    for length in lengths:
        assert outcome(sound, tmp_path / sound.name, data[:length]) == "detected", length


def test_appended_and_lost_bytes_are_detected(tmp_path):
    """A safetensors file ends where its tensors end, and has no hole."""
    sound = save_weights(network(), tmp_path / "sound.safetensors").path
    data = sound.read_bytes()
    for changed in (data + b"\0", data[:-9] + data[-8:], data[:500] + b"\0" + data[500:]):
        assert outcome(sound, tmp_path / "a.safetensors", changed) == "detected"


@pytest.mark.parametrize("sums", [True, False])
def test_a_pth_without_checksums_loads(tmp_path, sums):
    """Torch can be told to write none; such a file is no damaged one."""
    state = {"a": torch.rand(50), "b": torch.arange(7)}
    before = torch.serialization.get_crc32_options()
    torch.serialization.set_crc32_options(sums)
    try:
        torch.save(state, tmp_path / "a.pth")
        ours = save_weights(state, tmp_path / "ours.pth").path
    finally:
        torch.serialization.set_crc32_options(before)
    loaded = read_state_dict(tmp_path / "a.pth")
    assert all(torch.equal(loaded[name], state[name]) for name in state)
    changed = bytearray(ours.read_bytes())
    changed[changed.index(state["a"].numpy().tobytes()) + 5] ^= 1
    ours.write_bytes(changed)
    with pytest.raises(CorruptWeights, match="data/0"):
        read_state_dict(ours)
