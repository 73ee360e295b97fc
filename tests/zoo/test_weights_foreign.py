"""Weights are found in any program's checkpoint, and freed of wrappers' names, no others."""

import argparse
import collections
import datetime as dt
import pathlib

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.parallel import DataParallel
from torch.optim.swa_utils import AveragedModel

from zoo.errors import CorruptWeights, IncompatibleWeights, UntrustedWeights, UsageError
from zoo.weights import (
    canonical_state_dict,
    classes_in,
    read_foreign,
    read_state_dict,
    require_fit,
    save_weights,
)
from zoo.weights._rename import as_in_model, without_wrappers

STATE = {"0.weight": torch.ones(2, 3), "0.bias": torch.zeros(2)}
NAMES = tuple(STATE)


class Odd(nn.Module):
    """A model with one child, and that is called `module`."""

    def __init__(self, child: nn.Module) -> None:
        super().__init__()
        self.module = child


def compiled(module: nn.Module) -> nn.Module:
    return module if type(module).__name__ == "OptimizedModule" else torch.compile(module)


WRAPPERS = {"data parallel": DataParallel, "averaged": AveragedModel, "compiled": compiled}
MODELS = st.recursive(
    st.just("linear"),
    lambda part: st.one_of(
        st.tuples(st.sampled_from(sorted(WRAPPERS)), part),
        st.tuples(st.just("odd"), part),
        st.tuples(st.just("sequence"), part, part),
    ),
    max_leaves=5,
)


@pytest.fixture(scope="module", autouse=True)
def _compiler_cache(tmp_path_factory):
    environment = pytest.MonkeyPatch()  # the compiler would set it, for good
    environment.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path_factory.mktemp("compiler")))
    yield
    environment.undo()


def build(model, *, wrapped: bool) -> nn.Module:
    if model == "linear":
        return nn.Linear(2, 2)
    kind, *parts = model
    modules = [build(part, wrapped=wrapped) for part in parts]
    if kind == "odd":
        return Odd(modules[0])
    if kind == "sequence":
        return nn.Sequential(*modules)
    return WRAPPERS[kind](modules[0]) if wrapped else modules[0]


@given(MODELS)
def test_with_the_model_any_nesting_of_wrappers_comes_off(tmp_path_factory, model):
    """Saved by plain torch from wherever wrappers were: the names are the model's own.

    A child of the model's own that is called `module` stays, for the model has it.
    """
    file = tmp_path_factory.mktemp("weights") / "a.ckpt"
    wrapped, plain = build(model, wrapped=True), build(model, wrapped=False)
    torch.save({"state_dict": wrapped.state_dict()}, file)
    own = canonical_state_dict(wrapped)
    found = read_foreign(file, model=list(plain.state_dict()))
    assert set(found.tensors) == set(plain.state_dict())
    assert all(torch.equal(found.tensors[name], own[name]) for name in own)
    assert require_fit(plain, found).complete


@given(MODELS)
def test_without_the_model_what_could_be_its_own_stays(tmp_path_factory, model):
    """The outermost `module` goes, and what torch.compile adds; no `module` within."""
    file = tmp_path_factory.mktemp("weights") / "a.pth"
    state = build(model, wrapped=True).state_dict()
    torch.save(state, file)
    found = read_foreign(file)
    assert not any("_orig_mod" in name.split(".") for name in found.tensors)
    assert len(found.tensors) + len(found.left_out) == len(state)
    assert all(name.endswith("n_averaged") for name in found.left_out)
    again = read_foreign(file, keep_names=True)
    assert list(again.tensors) == list(state)


@pytest.mark.parametrize(
    ("stored", "expected", "removed"),
    [
        (["module.a", "module.b"], ["a", "b"], ("module.",)),
        (["module.module.a", "module.module.b.c"], ["a", "b.c"], ("module.", "module.module.")),
        (["_orig_mod.module.a"], ["a"], ("_orig_mod.", "_orig_mod.module.")),
        (["module._orig_mod.a.w"], ["a.w"], ("module.", "module._orig_mod.")),
        (["n_averaged", "module.a"], ["a"], ("module.",)),
        (["module.a", "b"], ["module.a", "b"], ()),
        (["module.a", "module_b"], ["module.a", "module_b"], ()),
        (["encoder.module.a", "head.w"], ["encoder.module.a", "head.w"], ()),
        (["encoder._orig_mod.a", "head.w"], ["encoder.a", "head.w"], ("encoder._orig_mod.",)),
        (["modules.a"], ["modules.a"], ()),
        (["module"], ["module"], ()),
        (["a", "a.b"], ["a", "a.b"], ()),
        ([".".join(["module"] * 300)], [".".join(["module"] * 300)], ()),
        ([], [], ()),
        (["", ".", "a..b"], ["", ".", "a..b"], ()),
    ],
)
def test_names_that_only_wrappers_give_are_taken_out(stored, expected, removed):
    """Where all at a place have them, and never as mere text."""
    found = without_wrappers(stored)
    assert list(found.names.values()) == expected
    assert found.removed == removed


@pytest.mark.parametrize(
    ("stored", "model", "removed"),
    [
        (["encoder.module.a", "head.w"], ["encoder.a", "head.w"], ("encoder.module.",)),
        (["module.module.a"], ["module.a"], ("module.",)),
        (["module.a"], ["module.a"], ()),
        (["module.weight", "module.module.weight"], ["weight", "module.weight"], ("module.",)),
        (["n_averaged", "module.n_averaged"], ["n_averaged"], ("module.",)),
    ],
)
def test_the_models_names_tell_what_is_a_wrappers(stored, model, removed):
    """Also within, and where the model has a `module` of its own."""
    (found,) = as_in_model(stored, model)
    assert set(found.names.values()) == set(model)
    assert found.removed == removed


@pytest.mark.parametrize("model", [["a", "b"], ["module.module.a"], ["b"], []])
def test_names_that_are_not_the_models_are_not_made_so(model):
    """All of them, or nothing is found."""
    assert as_in_model(["module.a"], model) == []


def test_a_model_is_found_within_what_was_saved(tmp_path):
    """A Lightning module holds its net as an attribute, beside its loss and its metrics."""
    state = {f"net.module.{name}": value for name, value in STATE.items()}
    state |= {"loss.weight": torch.ones(4), "accuracy.total": torch.tensor(3)}
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "a.ckpt")
    found = read_foreign(tmp_path / "a.ckpt", model=NAMES)
    assert tuple(found.tensors) == NAMES
    assert found.part == "state_dict.net"
    assert found.removed == ("net.module.",)
    assert found.left_out == ("loss.weight", "accuracy.total")
    assert len(read_foreign(tmp_path / "a.ckpt").tensors) == 4


def test_a_model_that_is_there_twice_is_asked_for(tmp_path):
    """A net and its average, as attributes: nobody can tell which is meant."""
    state = {f"net.{name}": value for name, value in STATE.items()}
    state |= {f"ema.{name}": value + 1 for name, value in STATE.items()}
    torch.save({"state_dict": state}, tmp_path / "a.ckpt")
    with pytest.raises(UsageError, match=r"--part: state_dict\.net, state_dict\.ema"):
        read_foreign(tmp_path / "a.ckpt", model=NAMES)
    found = read_foreign(tmp_path / "a.ckpt", model=NAMES, part="state_dict.ema")
    assert torch.equal(found.tensors["0.weight"], STATE["0.weight"] + 1)
    assert tuple(read_foreign(tmp_path / "a.ckpt", part="state_dict.ema").tensors) == NAMES


CHECKPOINTS = {
    "plain": (STATE, "", ()),
    "lightning": ({"state_dict": STATE, "optimizer_states": [{"state": {}}]}, "state_dict", ()),
    "torchvision": ({"model": STATE, "epoch": 3}, "model", ()),
    "torchvision ema": ({"model": {}, "model_ema": STATE}, "model_ema", ()),
    "both": ({"model": STATE, "model_ema": STATE}, "model_ema", ("model",)),
    "timm": ({"state_dict": STATE, "state_dict_ema": STATE}, "state_dict_ema", ("state_dict",)),
    "nested": ({"model": {"state_dict": STATE}}, "model.state_dict", ()),
    "basicsr": ({"params": STATE, "params_ema": STATE}, "params_ema", ("params",)),
    "deepspeed": ({"module": STATE, "lr_scheduler": None}, "module", ()),
    "with a loss beside": ({"model": STATE, "loss": torch.tensor(0.3)}, "model", ()),
    "own name": ({"my_weights": STATE, "epoch": 3}, "my_weights", ()),
    "deep": ({"a": {"b": {"c": STATE}}}, "a.b.c", ()),
    "with optimizer": (
        {"mine": STATE, "sgd": {"state": {0: {"momentum": torch.ones(2)}}, "param_groups": []}},
        "mine",
        (),
    ),
}


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_weights_are_found_where_programs_put_them(tmp_path, name):
    """Of averaged weights and others the averaged, and what else there was is told."""
    value, part, others = CHECKPOINTS[name]
    torch.save(value, tmp_path / "a.pth.tar")
    found = read_foreign(tmp_path / "a.pth.tar")
    assert tuple(found.tensors) == NAMES
    assert found.part == part
    assert found.others == others
    for other in others:
        assert read_foreign(tmp_path / "a.pth.tar", part=other).part == other


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"generator": STATE, "discriminator": STATE}, "--part.*generator, discriminator"),
        ({"model": STATE, "net": STATE}, "--part.*model, net"),
        ({"model_ema": STATE, "ema": STATE, "model": STATE}, "--part.*model_ema, ema"),
    ],
)
def test_of_several_weights_one_must_be_chosen(tmp_path, value, said):
    """Exit code 2, with what there is."""
    torch.save(value, tmp_path / "a.pt")
    with pytest.raises(UsageError, match=said):
        read_foreign(tmp_path / "a.pt")
    with pytest.raises(UsageError, match="no weights called 'critic'"):
        read_foreign(tmp_path / "a.pt", part="critic")


@pytest.mark.parametrize("value", [3, [torch.ones(2)], {"epoch": 3}, {}, {0: torch.ones(2)}])
def test_a_file_without_weights_is_told_as_such(tmp_path, value):
    """With what it holds instead."""
    torch.save(value, tmp_path / "a.pt")
    with pytest.raises(IncompatibleWeights, match="no tensors by name"):
        read_foreign(tmp_path / "a.pt")


@pytest.mark.parametrize("legacy", [False, True])
def test_what_scripts_store_beside_weights_is_read_over(tmp_path, legacy):
    """Namespaces, numbers and arrays of numpy's, paths, tables of collections."""
    table = collections.defaultdict(list, {"a": [1, 2]})
    value = {
        "model": STATE,
        "args": argparse.Namespace(lr=0.1, out=pathlib.Path("a/b"), size=(3, 4)),
        "best": np.float64(0.93),
        "loss": np.float32(0.3),
        "epoch": np.int64(3),
        "seen": np.arange(5),
        "names": np.array(["a", "b"]),
        "done": np.bool_(True),
        "dtype": np.dtype("float16"),
        "history": table,
        "recent": collections.deque([1, 2], maxlen=5),
        "counts": collections.Counter("aab"),
        "order": collections.OrderedDict(a=1),
        "elsewhere": pathlib.PureWindowsPath("c:/a"),
        "complex": 1j,
    }
    torch.save(value, tmp_path / "a.pth", _use_new_zipfile_serialization=not legacy)
    before = set(torch.serialization.get_safe_globals())
    found = read_foreign(tmp_path / "a.pth")
    assert tuple(found.tensors) == NAMES
    with pytest.raises(UntrustedWeights):
        read_state_dict(tmp_path / "a.pth")
    assert set(torch.serialization.get_safe_globals()) == before, "for one file, not for good"


def test_what_is_long_is_no_bomb(tmp_path):
    """Tables with long names, empty tuples, keys of tuples, arrays, each by the ten thousands."""
    row = {"a name as long as those of the metrics of some programs are, and then some": 3}
    value = {
        "model": STATE,
        "history": [dict(row) for _ in range(50_000)],
        "shapes": [()] * 300_000,
        "lists": [[] for _ in range(50_000)],
        "pairs": {(number, (number, "a")): number for number in range(50_000)},
        "losses": [np.float64(number) for number in range(5_000)],
        "seen": np.arange(500_000),
        "numbers": set(range(50_000)),
        "counted": collections.Counter(range(50_000)),
    }
    for new in (True, False):
        torch.save(value, tmp_path / "a.ckpt", _use_new_zipfile_serialization=new)
        assert tuple(read_foreign(tmp_path / "a.ckpt").tensors) == NAMES


def test_types_that_the_user_allowed_stay_allowed(tmp_path):
    """Torch would forget them with ours."""
    torch.save({"model": STATE, "args": argparse.Namespace()}, tmp_path / "a.pth")
    with torch.serialization.safe_globals([argparse.Namespace]):
        read_foreign(tmp_path / "a.pth")
        assert argparse.Namespace in torch.serialization.get_safe_globals()


@pytest.mark.parametrize(
    "value",
    [dt.datetime(2026, 1, 1), nn.Linear(2, 2), np.ones, slice(3), Odd(nn.Linear(2, 2))],
    ids=lambda value: type(value).__name__,
)
def test_no_other_type_is_read_over(tmp_path, value):
    """A list that ends somewhere: each more is one more door."""
    torch.save({"model": STATE, "extra": value}, tmp_path / "a.pth")
    with pytest.raises(UntrustedWeights, match="state_dict"):
        read_foreign(tmp_path / "a.pth")


def test_an_array_of_objects_runs_nothing(tmp_path):
    """Numpy's own unpickling could be led to anything; here it gets what torch allowed."""

    class Hostile:
        def __reduce__(self):
            return (exec, ("raise SystemExit",))

    torch.save({"model": STATE, "a": np.array([Hostile()], dtype=object)}, tmp_path / "a.pth")
    with pytest.raises(UntrustedWeights, match="exec"):
        read_foreign(tmp_path / "a.pth")


@pytest.mark.parametrize(
    "tensor", [torch.rand(2, 2).to_sparse(), torch.empty(2, device="meta")], ids=["sparse", "meta"]
)
def test_a_tensor_that_cannot_be_taken_over_is_named(tmp_path, tensor):
    """It is not left out in silence, as a number is."""
    torch.save({"state_dict": {**STATE, "odd": tensor}}, tmp_path / "a.pt")
    with pytest.raises(IncompatibleWeights, match="'odd'"):
        read_foreign(tmp_path / "a.pt")


def test_what_is_no_tensor_is_left_out_and_told(tmp_path):
    """A number, a module's extra state."""
    state = {**STATE, "epoch": 3, "0._extra_state": {"scale": 1.0}}
    torch.save(state, tmp_path / "a.pt")
    assert read_foreign(tmp_path / "a.pt").left_out == ("epoch", "0._extra_state")


def test_versions_of_modules_follow_their_names(tmp_path):
    """Else a module would convert new weights as if they were old."""
    model = nn.Sequential(nn.BatchNorm1d(2))
    torch.save(DataParallel(model).state_dict(), tmp_path / "a.pth")
    foreign = read_foreign(tmp_path / "a.pth")
    save_weights(foreign.tensors, tmp_path / "a.safetensors")
    for file in ("a.pth", "a.safetensors"):
        state = read_foreign(tmp_path / file).tensors
        assert state._metadata["0"] == {"version": 2}, file


def test_the_format_is_told_by_the_bytes(tmp_path):
    """Names of foreign files end in anything."""
    save_weights(STATE, tmp_path / "a.safetensors")
    (tmp_path / "a.safetensors").rename(tmp_path / "a.bin")
    assert tuple(read_foreign(tmp_path / "a.bin").tensors) == NAMES
    assert tuple(read_foreign(tmp_path / "a.bin", part="0").tensors) == ("weight", "bias")
    for data in (b"", b"no weights", b"{}", b"\x89HDF\r\n\x1a\n" + bytes(100)):
        (tmp_path / "b.bin").write_bytes(data)
        with pytest.raises(CorruptWeights, match="neither"):
            read_foreign(tmp_path / "b.bin")


def test_the_number_of_classes_is_read_from_the_file(tmp_path):
    """Where it is all that keeps the weights from fitting."""
    stored = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 10))
    torch.save(stored.state_dict(), tmp_path / "a.pth")
    foreign = read_foreign(tmp_path / "a.pth")
    assert classes_in(nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2)), foreign) == 10
    assert classes_in(stored, foreign) is None
    assert classes_in(nn.Sequential(nn.Linear(3, 5), nn.Linear(5, 2)), foreign) is None
    assert classes_in(nn.Linear(3, 4), foreign) is None
