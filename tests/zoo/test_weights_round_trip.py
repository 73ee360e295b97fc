"""What is stored comes back: in zoo, in plain torch, in plain safetensors."""

import json
import subprocess
import sys

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from zoo.errors import UsageError
from zoo.weights import (
    canonical_state_dict,
    check_storable,
    load_weights,
    read_metadata,
    read_state_dict,
    save_weights,
)

SUFFIXES = (".safetensors", ".pth", ".pt")
both = pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
DTYPES = ["?", "u1", "i1", "i2", "i4", "i8", "f2", "f4", "f8", "c8"]
DTYPES_OF_TORCH = [
    torch.bfloat16,
    torch.float8_e4m3fn,
    torch.float8_e5m2,
    torch.float8_e4m3fnuz,
    torch.uint16,
]
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
ARRAYS = st.sampled_from(DTYPES).flatmap(
    lambda dtype: hnp.arrays(np.dtype(dtype), hnp.array_shapes(min_dims=0, min_side=0, max_side=4))
)


class Tied(nn.Module):
    """A language model's classic: the output layer is the embedding."""

    def __init__(self, *, tied: bool = True) -> None:
        super().__init__()
        self.embed = nn.Embedding(7, 3)
        self.head = nn.Linear(3, 7)
        if tied:
            self.head.weight = self.embed.weight


class Versioned(nn.Module):
    """A layer whose first version stored its weight transposed."""

    _version = 2

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.rand(2, 2))

    def _load_from_state_dict(self, state_dict, prefix, local_metadata, *rest):
        if local_metadata.get("version") in (None, 1):
            state_dict[f"{prefix}weight"] = state_dict[f"{prefix}weight"].t()
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)


def same(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one.dtype == other.dtype and torch.allclose(one, other, rtol=0, atol=0, equal_nan=True)


@given(st.dictionaries(NAMES, ARRAYS, max_size=4), st.sampled_from(SUFFIXES))
def test_any_tensors_come_back_bit_for_bit(tmp_path_factory, arrays, suffix):
    """Of any name, shape and dtype, empty ones, NaN and the infinities included."""
    file = tmp_path_factory.mktemp("weights") / f"a{suffix}"
    state = {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}
    save_weights(state, file)
    loaded = read_state_dict(file)
    assert loaded.keys() == state.keys()
    assert all(same(loaded[name], state[name]) for name in state)


@both
@pytest.mark.parametrize("dtype", DTYPES_OF_TORCH)
def test_dtypes_that_numpy_lacks_come_back(tmp_path, suffix, dtype):
    """Half and quarter floats, wide unsigned integers."""
    state = {"a": torch.arange(6, dtype=torch.float32).to(dtype)}
    save_weights(state, tmp_path / f"a{suffix}")
    loaded = read_state_dict(tmp_path / f"a{suffix}")["a"]
    assert loaded.dtype == dtype
    assert torch.equal(loaded.view(torch.uint8), state["a"].view(torch.uint8))


@given(st.lists(NAMES, unique=True, max_size=6), st.data(), st.sampled_from(SUFFIXES))
def test_the_order_of_names_comes_back(tmp_path_factory, names, data, suffix):
    """Whatever the names and dtypes; safetensors alone sorts by both."""
    file = tmp_path_factory.mktemp("weights") / f"a{suffix}"
    dtypes = st.sampled_from([torch.float32, torch.int64, torch.bool])
    state = {name: torch.zeros(2, dtype=data.draw(dtypes)) for name in names}
    if len(names) > 1 and data.draw(st.booleans()):
        state[names[-1]] = state[names[0]]  # tied
    save_weights(state, file)
    assert list(read_state_dict(file)) == names


def test_the_order_is_noted_only_where_it_is_not_the_files(tmp_path):
    """A header holds each name once."""
    for state, noted in (({"a": 1, "b": 2}, False), ({"b": 1, "a": 2}, True)):
        tensors = {name: torch.tensor(value) for name, value in state.items()}
        save_weights(tensors, tmp_path / "a.safetensors")
        assert ("zoo.order" in read_metadata(tmp_path / "a.safetensors")) == noted


class Buffers(nn.Module):
    """A tensor of each kind that models keep beside their parameters."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.conv = nn.Conv2d(3, 4, 2).to(memory_format=torch.channels_last)
        self.norm = nn.BatchNorm2d(4)
        self.scalar = nn.Parameter(torch.rand(()))
        self.coarse = nn.Parameter(torch.rand(3).bfloat16())
        self.register_buffer("mask", torch.rand(5) > 0.5)
        self.register_buffer("steps", torch.tensor(seed))
        self.register_buffer("codes", torch.rand(4).to(torch.float8_e4m3fn))
        self.register_buffer("bytes", torch.randint(0, 255, (3,), dtype=torch.uint8))
        self.register_buffer("empty", torch.zeros(0, 3))
        self.register_buffer("derived", torch.rand(2), persistent=False)


@both
def test_every_kind_of_tensor_goes_into_a_model(tmp_path, suffix):
    """Values are the file's; layouts and what is not stored stay the model's."""
    stored, model = Buffers(1), Buffers(2)
    derived = model.derived.clone()
    report = load_weights(model, save_weights(stored, tmp_path / f"a{suffix}").path)
    assert report.loaded == tuple(stored.state_dict())
    for name, value in stored.state_dict().items():
        own = model.state_dict()[name]
        assert own.dtype == value.dtype
        assert torch.equal(own.reshape(-1).view(torch.uint8), value.reshape(-1).view(torch.uint8))
    assert model.conv.weight.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(model.derived, derived)


@both
def test_the_saved_file_is_the_one_described(tmp_path, suffix):
    """Path, size and digest belong to what lies there."""
    saved = save_weights(nn.Linear(2, 2), tmp_path / f"a{suffix}")
    assert saved.path == tmp_path / f"a{suffix}"
    assert saved.size == saved.path.stat().st_size
    assert len(saved.sha256) == 64


def test_equal_weights_make_equal_bytes(tmp_path):
    """The digest of a safetensors file names its contents."""
    torch.manual_seed(0)
    model = Tied()
    digests = {save_weights(model, tmp_path / f"{n}.safetensors").sha256 for n in range(2)}
    assert len(digests) == 1


def test_three_lines_of_plain_torch_load_a_pth(tmp_path):
    """No zoo needed, and no trust either."""
    stored, model = Tied(), Tied()
    save_weights(stored, tmp_path / "a.pth")
    state = torch.load(tmp_path / "a.pth", weights_only=True)
    model.load_state_dict(state)
    assert torch.equal(model.head.weight, stored.embed.weight)
    assert type(state).__name__ == "OrderedDict"
    assert {type(value) for value in state.values()} == {torch.Tensor}


@pytest.mark.parametrize("make", [Tied, lambda: nn.BatchNorm2d(3)])
def test_three_lines_of_plain_safetensors_load_a_safetensors_file(tmp_path, make):
    """Tied tensors included, which the format itself does not know."""
    stored, model = make(), make()
    save_weights(stored, tmp_path / "a.safetensors")
    safetensors.torch.load_model(model, tmp_path / "a.safetensors")
    for name, value in stored.state_dict().items():
        assert torch.equal(value, model.state_dict()[name])


@both
def test_tied_tensors_are_stored_once_and_come_back_tied(tmp_path, suffix):
    """In a state_dict as in a model, one that is tied and one that is not."""
    stored = Tied()
    file = save_weights(stored, tmp_path / f"a{suffix}").path
    assert file.stat().st_size < canonical_size(Tied(tied=False), tmp_path, suffix)
    state = read_state_dict(file)
    assert state["head.weight"] is state["embed.weight"]
    for model in (Tied(), Tied(tied=False)):
        report = load_weights(model, file)
        assert report.complete
        assert report.fraction == 1
        assert torch.equal(model.head.weight, stored.embed.weight)
        assert torch.equal(model.embed.weight, stored.embed.weight)


def canonical_size(model, folder, suffix) -> int:
    return save_weights(model, folder / f"size{suffix}").size


def test_a_tied_model_loads_a_strangers_file_with_either_name(tmp_path):
    """Other tools keep the other name, and say nothing of ties."""
    values = {"head.weight": torch.rand(7, 3), "head.bias": torch.rand(7)}
    safetensors.torch.save_file(values, tmp_path / "a.safetensors")
    model = Tied()
    report = load_weights(model, tmp_path / "a.safetensors")
    assert report.loaded == ("embed.weight", "head.weight", "head.bias")
    assert torch.equal(model.embed.weight, values["head.weight"])


@both
def test_a_slice_is_stored_without_the_rest_of_its_storage(tmp_path, suffix):
    """One element of four megabytes makes a small file."""
    whole = torch.rand(1_000_000)
    state = {"first": whole[:1], "third": whole[2:3], "strided": whole[::500_000]}
    saved = save_weights(state, tmp_path / f"a{suffix}")
    assert saved.size < 5_000
    loaded = read_state_dict(saved.path)
    assert all(torch.equal(loaded[name], state[name]) for name in state)


@both
def test_several_views_of_one_memory_are_all_stored(tmp_path, suffix):
    """Reshaped, transposed and overlapping ones, which safetensors alone refuses."""
    whole = torch.rand(4, 5)
    state = {"a": whole, "flat": whole.view(20), "turned": whole.t(), "top": whole[:2]}
    loaded = read_state_dict(save_weights(state, tmp_path / f"a{suffix}").path)
    assert all(torch.equal(loaded[name], state[name]) for name in state)


@both
def test_what_modules_say_of_their_version_is_kept(tmp_path, suffix):
    """A module that converts its older weights must not convert new ones."""
    stored, model = nn.Sequential(Versioned()), nn.Sequential(nn.DataParallel(Versioned()))
    save_weights(stored, tmp_path / f"a{suffix}")
    load_weights(model, tmp_path / f"a{suffix}")
    assert torch.equal(model[0].module.weight, stored[0].weight)
    save_weights(read_state_dict(tmp_path / f"a{suffix}"), tmp_path / f"b{suffix}")
    load_weights(model, tmp_path / f"b{suffix}")
    assert torch.equal(model[0].module.weight, stored[0].weight)


def test_a_file_without_versions_is_an_old_one(tmp_path):
    """As PyTorch has it: weights from before versions are converted."""
    safetensors.torch.save_file({"weight": (old := torch.rand(2, 2))}, tmp_path / "a.safetensors")
    torch.save({"weight": old}, tmp_path / "a.pth")
    for name in ("a.safetensors", "a.pth"):
        model = Versioned()
        load_weights(model, tmp_path / name)
        assert torch.equal(model.weight, old.t()), name


@both
def test_saving_over_the_file_just_loaded_is_safe(tmp_path, suffix):
    """What was read does not live in the file any more."""
    file = tmp_path / f"a{suffix}"
    save_weights({"a": torch.ones(1000)}, file)
    state, model = read_state_dict(file), nn.ParameterDict({"a": torch.zeros(1000)})
    load_weights(model, file)
    save_weights({"a": torch.zeros(1000)}, file)
    file.write_bytes(b"")
    assert state["a"].sum() == 1000
    assert model["a"].sum() == 1000


def test_a_state_dict_shares_the_models_memory_but_a_file_does_not():
    """Said in the docstring of `canonical_state_dict`: clone what has to last."""
    model = nn.Linear(2, 2)
    state = canonical_state_dict(model)
    with torch.no_grad():
        model.weight.zero_()
    assert not state["weight"].any()


def test_metadata_are_read_without_torch(tmp_path):
    """What a file says of itself costs no more than opening it."""
    save_weights(Tied(), tmp_path / "a.safetensors", metadata={"model": "tied", "größe": "7"})
    code = (
        "import json, sys; from zoo._weight_files import read_metadata;"
        f"print(json.dumps(read_metadata({str(tmp_path / 'a.safetensors')!r})));"
        "print({'torch', 'numpy', 'safetensors'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    said, modules = done.stdout.splitlines()
    assert json.loads(said).items() >= {"model": "tied", "größe": "7"}.items()
    assert modules == "set()"


def test_notes_about_ties_are_written_anew(tmp_path):
    """Metadata taken over from another file can't claim ties of its own."""
    first = save_weights(Tied(), tmp_path / "a.safetensors", metadata={"a": "1"}).path
    second = tmp_path / "b.safetensors"
    save_weights(nn.Linear(2, 2), second, metadata=read_metadata(first))
    metadata = read_metadata(second)
    assert metadata["a"] == "1"
    assert "zoo.ties" in read_metadata(first)
    assert "zoo.ties" not in metadata


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"scale": 1.0}, "a dict"),
        (torch.rand(2, 2).to_sparse(), "sparse"),
        (torch.empty(2, device="meta"), "meta"),
        (nn.LazyLinear(2).weight, "run one batch"),
    ],
)
@both
def test_what_no_format_holds_is_refused_by_name(tmp_path, suffix, value, said):
    """Before anything is written."""
    state = {"fine": torch.rand(2), "layer.odd": value}
    with pytest.raises(UsageError, match=f"'layer.odd'.*{said}"):
        save_weights(state, tmp_path / f"a{suffix}")
    assert not list(tmp_path.iterdir())


class WithExtraState(nn.Linear):
    def get_extra_state(self):
        return {"scale": 1.0}


def test_extra_state_can_be_refused_before_a_training():
    """The hour of training comes after the check."""
    with pytest.raises(UsageError, match=r"1\._extra_state"):
        check_storable(nn.Sequential(nn.Linear(2, 2), WithExtraState(2, 2)))
    odd = nn.Sequential(nn.Linear(2, 2, dtype=torch.complex128))
    with pytest.raises(UsageError, match=r"'0\.weight'.*complex128"):
        check_storable(odd)
    assert list(check_storable(odd, ".pth")) == ["0.weight", "0.bias"]


def test_complex128_goes_to_pth_only(tmp_path):
    """The refusal names the tensor and the way out."""
    state = {"fine": torch.rand(2), "odd": torch.rand(2, dtype=torch.complex128)}
    with pytest.raises(UsageError, match=r"'odd'.*complex128.*\.pth"):
        save_weights(state, tmp_path / "a.safetensors")
    loaded = read_state_dict(save_weights(state, tmp_path / "a.pth").path)
    assert torch.equal(loaded["odd"], state["odd"])


@pytest.mark.parametrize("name", ["a", "a.bin", "a.safetensors.bak", "a.PTH"])
def test_other_names_are_refused_with_those_there_are(tmp_path, name):
    """On writing and on reading."""
    with pytest.raises(UsageError, match=r"\.safetensors, \.pth, \.pt"):
        save_weights(nn.Linear(2, 2), tmp_path / name)
    with pytest.raises(UsageError, match=r"\.safetensors, \.pth, \.pt"):
        read_state_dict(tmp_path / name)


def test_metadata_that_would_be_lost_or_is_no_text_is_refused(tmp_path):
    """A .pth has no place for it, and safetensors takes texts."""
    with pytest.raises(UsageError, match="metadata"):
        save_weights(nn.Linear(2, 2), tmp_path / "a.pth", metadata={"a": "b"})
    with pytest.raises(UsageError, match="'epoch'"):
        save_weights(nn.Linear(2, 2), tmp_path / "a.safetensors", metadata={"epoch": 3})
    with pytest.raises(UsageError, match="metadata"):
        read_metadata(save_weights(nn.Linear(2, 2), tmp_path / "b.pth").path)
    assert [file.name for file in tmp_path.iterdir()] == ["b.pth"]
