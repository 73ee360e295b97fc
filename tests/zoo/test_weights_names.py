"""Names are those of the bare model, whatever wraps it, at any depth."""

import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.parallel import DataParallel, DistributedDataParallel
from torch.optim.swa_utils import AveragedModel

from zoo.weights import bare, canonical_state_dict, load_weights, save_weights


class Odd(nn.Module):
    """A model whose own children are called what wrappers call theirs."""

    def __init__(self, child: nn.Module) -> None:
        super().__init__()
        self.module = child
        self._orig_mod = nn.Linear(2, 2)
        self.n_averaged = nn.Parameter(torch.rand(3))


def compiled(module: nn.Module) -> nn.Module:
    """Compile, once: of a compiled module torch.compile makes a function."""
    return module if type(module).__name__ == "OptimizedModule" else torch.compile(module)


WRAPPERS = {
    "data parallel": DataParallel,
    "averaged": AveragedModel,
    "compiled": compiled,
    "distributed": DistributedDataParallel,
}
LEAVES = st.just("linear")
# ("wrapper", part) wraps; ("odd", part) and ("sequence", part, part) are a model's own structure.
MODELS = st.recursive(
    LEAVES,
    lambda part: st.one_of(
        st.tuples(st.sampled_from(sorted(WRAPPERS)), part),
        st.tuples(st.just("odd"), part),
        st.tuples(st.just("sequence"), part, part),
    ),
    max_leaves=6,
)


@pytest.fixture(scope="module", autouse=True)
def _process_group(tmp_path_factory):
    """A group of one process, which DistributedDataParallel insists on."""
    if not torch.distributed.is_available() or sys.platform == "win32":
        pytest.skip("needs torch.distributed with gloo")
    store = tmp_path_factory.mktemp("group") / "store"
    environment = pytest.MonkeyPatch()  # the compiler would set it, for good
    environment.setenv("TORCHINDUCTOR_CACHE_DIR", str(store.parent))
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{store}", rank=0, world_size=1
    )
    yield
    torch.distributed.destroy_process_group()
    environment.undo()


def build(model, *, wrapped: bool) -> nn.Module:
    """Build a described model, with its wrappers or without."""
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
def test_no_nesting_of_wrappers_shows_in_the_names(model):
    """Names and values are those of the model built without wrappers."""
    torch.manual_seed(0)
    plain = build(model, wrapped=False).state_dict()
    torch.manual_seed(0)
    stored = canonical_state_dict(build(model, wrapped=True))
    assert list(stored) == list(plain)
    assert all(torch.equal(stored[name], plain[name]) for name in plain)


@given(MODELS)
def test_weights_go_into_any_nesting_of_wrappers(tmp_path_factory, model):
    """What the bare model stored, a wrapped one loads, and the other way round."""
    file = tmp_path_factory.mktemp("weights") / "a.safetensors"
    plain, wrapped = build(model, wrapped=False), build(model, wrapped=True)
    save_weights(plain, file)
    assert load_weights(wrapped, file).complete
    with torch.no_grad():
        for parameter in wrapped.parameters():
            parameter.add_(1)
    save_weights(wrapped, file)
    assert load_weights(plain, file).fraction == 1
    stored = canonical_state_dict(wrapped)
    assert all(torch.equal(stored[name], value) for name, value in plain.state_dict().items())


def test_the_bare_model_is_the_very_module_that_was_wrapped():
    """Wrappers come off from the outside; those within stay, for they compute."""
    model = nn.Sequential(DataParallel(nn.Linear(2, 2)))
    assert bare(torch.compile(DistributedDataParallel(model))) is model
    assert isinstance(model[0], DataParallel)


def test_a_child_named_module_is_no_wrapper():
    """Stripping text would have made `weight` of `module.weight`."""
    names = list(canonical_state_dict(Odd(nn.Linear(2, 2, bias=False))))
    assert names == ["n_averaged", "module.weight", "_orig_mod.weight", "_orig_mod.bias"]


def test_a_module_used_twice_has_both_its_names(tmp_path):
    """As PyTorch has it; the file holds its tensors once."""
    part = nn.Linear(2, 2)
    model = nn.Sequential(DataParallel(part), part)
    assert list(canonical_state_dict(model)) == ["0.weight", "0.bias", "1.weight", "1.bias"]
    save_weights(model, tmp_path / "a.safetensors")
    fresh = nn.Sequential(part2 := nn.Linear(2, 2), part2)
    assert load_weights(fresh, tmp_path / "a.safetensors").complete
    assert torch.equal(part2.weight, part.weight)


def test_tensors_are_detached_contiguous_and_on_the_cpu():
    """Of each memory layout a model may have its tensors in."""
    model = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
    model.register_buffer("turned", torch.rand(2, 3).t())
    model.register_buffer("spread", torch.rand(1, 3).expand(2, 3))
    model.register_buffer("conjugate", torch.rand(3, dtype=torch.complex64).conj())
    state = canonical_state_dict(model)
    for name, tensor in state.items():
        assert tensor.is_contiguous(), name
        assert not tensor.requires_grad, name
        assert not tensor.is_conj(), name
        assert type(tensor) is torch.Tensor
        assert torch.equal(tensor, model.state_dict()[name])


@pytest.mark.gpu
def test_tensors_of_a_gpu_come_to_the_cpu_and_stay_tied():
    """One tensor on the device is one tensor here."""
    first = nn.Linear(4, 4, device="cuda")
    second = nn.Linear(4, 4, device="cuda")
    second.weight = first.weight
    state = canonical_state_dict(DataParallel(nn.Sequential(first, second)))
    assert state["0.weight"] is state["1.weight"]
    assert state["0.weight"].device.type == "cpu"


def test_names_that_a_hook_makes_up_are_kept():
    """A state_dict hook may rename what it likes."""
    model = nn.Sequential(DataParallel(nn.Linear(2, 2, bias=False)))

    def rename(module, state, prefix, metadata):
        state[f"{prefix}base.kernel"] = state.pop(f"{prefix}weight")

    model[0].module.register_state_dict_post_hook(rename)
    assert list(canonical_state_dict(model)) == ["0.base.kernel"]
