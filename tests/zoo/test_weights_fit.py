"""A model is loaded whole or left as it was, and what differs is said."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from zoo.errors import IncompatibleWeights, UsageError
from zoo.weights import LoadReport, canonical_state_dict, load_weights, save_weights

NAMES = st.sampled_from(["a", "b", "c", "d", "e"])
SHAPES = st.sampled_from([(2,), (3,), (2, 3), ()])
STATES = st.dictionaries(NAMES, SHAPES, max_size=5)


def network(num_classes: int = 4) -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Linear(8, num_classes))


def copy_of(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def unchanged(model: nn.Module, before: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.fixture(params=[".safetensors", ".pth"])
def file(request, tmp_path):
    return tmp_path / f"net{request.param}"


def test_a_file_that_fits_is_loaded_and_reported(file):
    """Buffers as well as parameters, in the model's order."""
    stored, model = network(), network()
    stored(torch.rand(16, 3))
    save_weights(stored, file)
    report = load_weights(model, file)
    assert report.loaded == tuple(model.state_dict())
    assert report.missing == report.unexpected == report.mismatched == report.skipped == ()
    assert report.complete
    assert report.fraction == 1
    assert unchanged(model, copy_of(stored))
    assert str(report) == f"{file}: loaded 9 of 9 tensors, 100.0% of the parameters"


def test_what_differs_is_said_and_nothing_loaded(file):
    """Each way to differ has its line, and the model its old values."""
    state = canonical_state_dict(network(num_classes=10))
    del state["0.bias"]
    state["extra.weight"] = torch.rand(2)
    save_weights(state, file)
    model = network()
    before = copy_of(model)
    with pytest.raises(IncompatibleWeights) as raised:
        load_weights(model, file)
    assert unchanged(model, before)
    text = str(raised.value)
    assert str(file) in text
    assert "1 missing from the file: 0.bias" in text
    assert "1 not in the model: extra.weight" in text
    assert "2.weight: (10, 8) float32 in the file, (4, 8) float32 in the model" in text
    assert "strict=False" in text
    assert len(text.splitlines()) <= 5
    assert raised.value.exit_code == 2
    report = raised.value.report
    assert isinstance(report, LoadReport)
    assert [mismatch.name for mismatch in report.mismatched] == ["2.weight", "2.bias"]
    assert report.mismatched[0].file_shape == (10, 8)
    assert report.mismatched[0].model_shape == (4, 8)


def test_a_long_list_of_differences_stays_short(file):
    """The names of a hundred layers are not for reading."""
    save_weights({f"layer{n}.weight": torch.rand(1) for n in range(100)}, file)
    with pytest.raises(IncompatibleWeights, match="and 97 more") as raised:
        load_weights(network(), file)
    assert len(str(raised.value).splitlines()) <= 4
    assert "strict=False" not in str(raised.value), "nothing would be loaded with it"


def test_what_fits_is_loaded_on_request(file):
    """The classic: another number of classes."""
    stored, model = network(num_classes=10), network()
    save_weights(stored, file)
    head = model[2].weight.clone()
    report = load_weights(model, file, strict=False)
    assert len(report.loaded) == 7
    assert torch.equal(model[0].weight, stored[0].weight)
    assert torch.equal(model[2].weight, head)
    in_head = 8 * 4 + 4
    total = sum(parameter.numel() for parameter in model.parameters())
    assert report.fraction == pytest.approx(1 - in_head / total)
    assert "loaded 7 of 9 tensors" in str(report)


def test_a_file_with_nothing_in_common_is_refused_even_so(file):
    """Nobody wants to load nothing."""
    save_weights({"other": torch.rand(2)}, file)
    with pytest.raises(IncompatibleWeights):
        load_weights(network(), file, strict=False)


def test_a_model_without_tensors_fits_a_file_without_any(file):
    """Nothing is missing."""
    save_weights(nn.ReLU(), file)
    report = load_weights(nn.ReLU(), file)
    assert report.complete
    assert report.fraction == 1


@given(STATES, STATES, st.sampled_from([".safetensors", ".pth"]), st.booleans())
def test_every_tensor_is_accounted_for_once(tmp_path_factory, stored, wanted, suffix, strict):
    """Loaded, missing and mismatched make up the model; with unexpected ones, the file."""
    file = tmp_path_factory.mktemp("weights") / f"a{suffix}"
    values = {name: torch.rand(shape) for name, shape in stored.items()}
    save_weights(values, file)
    model = nn.ParameterDict({name: torch.zeros(shape) for name, shape in wanted.items()})
    same = {name for name in stored.keys() & wanted.keys() if stored[name] == wanted[name]}
    try:
        report = load_weights(model, file, strict=strict)
        assert not strict or stored == wanted
    except IncompatibleWeights as error:
        report = error.report
        assert stored != wanted
        assert not any(parameter.any() for parameter in model.parameters())
    else:
        assert all(torch.equal(model[name], values[name]) for name in same)
    wrong = {mismatch.name for mismatch in report.mismatched}
    assert set(report.loaded) == same
    assert wrong == (stored.keys() & wanted.keys()) - same
    assert set(report.missing) == wanted.keys() - stored.keys()
    assert set(report.unexpected) == stored.keys() - wanted.keys()
    assert report.complete == (stored == wanted)


WIDENING = {("float16", "float32"), ("bfloat16", "float32"), ("float32", "float64")}
WIDENING |= {("float16", "float64"), ("bfloat16", "float64"), ("complex64", "complex128")}
WIDENING |= {("uint8", "int16"), ("int8", "int16"), ("int16", "int64"), ("uint8", "int64")}
WIDENING |= {("int8", "int64")}
DTYPES = sorted({dtype for pair in WIDENING for dtype in pair} | {"bool", "float8_e4m3fn"})


@pytest.mark.parametrize("theirs", DTYPES)
@pytest.mark.parametrize("ours", DTYPES)
def test_a_dtype_is_converted_only_where_no_value_changes(tmp_path, ours, theirs):
    """Not from integers to floats, not to fewer digits; never silently, as PyTorch does."""
    stored = torch.tensor([0, 1, 1]).to(getattr(torch, theirs))
    save_weights({"a": stored}, tmp_path / "a.pth")
    model = nn.Module()
    model.register_buffer("a", torch.zeros(3).to(getattr(torch, ours)))
    if ours == theirs or (theirs, ours) in WIDENING:
        load_weights(model, tmp_path / "a.pth")
        assert model.a.dtype == getattr(torch, ours)
        assert model.a.to(torch.complex128).tolist() == [0, 1, 1]
    else:
        with pytest.raises(IncompatibleWeights, match=f"{theirs} in the file.*{ours} in the model"):
            load_weights(model, tmp_path / "a.pth")
        assert not model.a.to(torch.complex128).any()


def test_one_tensor_of_the_model_cannot_take_two_values(file):
    """PyTorch would let the last one win."""
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    save_weights(model, file)
    tied = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    tied[1].weight = tied[0].weight
    before = copy_of(tied)
    with pytest.raises(IncompatibleWeights, match=r"one tensor with 0\.weight in the model"):
        load_weights(tied, file)
    assert unchanged(tied, before)
    with torch.no_grad():
        model[1].weight.copy_(model[0].weight.fill_(torch.nan))
    save_weights(model, file)
    assert load_weights(tied, file).complete, "equal values are one value, NaN too"


def test_what_is_no_tensor_is_skipped_on_request(tmp_path):
    """An epoch's number beside the tensors."""
    state = {**network().state_dict(), "epoch": 3, "sparse": torch.rand(2, 2).to_sparse()}
    torch.save(state, tmp_path / "a.pth")
    model = network()
    with pytest.raises(IncompatibleWeights, match="2 no plain tensors: epoch, sparse"):
        load_weights(model, tmp_path / "a.pth")
    report = load_weights(model, tmp_path / "a.pth", strict=False)
    assert report.skipped == ("epoch", "sparse")
    assert report.fraction == 1


def test_a_model_that_waits_for_its_shapes_takes_the_files(file):
    """Lazy layers are what the file says."""
    stored = nn.Sequential(nn.Linear(5, 3))
    save_weights(stored, file)
    model = nn.Sequential(nn.LazyLinear(3))
    assert load_weights(model, file).fraction == 1
    assert torch.equal(model[0].weight, stored[0].weight)


def test_a_model_without_memory_is_refused_with_the_remedy(file):
    """PyTorch would warn, and load nothing."""
    save_weights(network(), file)
    with torch.device("meta"):
        model = network()
    with pytest.raises(UsageError, match="to_empty"):
        load_weights(model, file)
    load_weights(model.to_empty(device="cpu"), file)


def test_a_module_that_refuses_is_told_as_such(file):
    """Checks of a model's own, in words of its own."""

    class Picky(nn.Linear):
        def _load_from_state_dict(self, state, prefix, metadata, strict, missing, odd, errors):
            errors.append("not on a Monday")

    save_weights(nn.Linear(2, 2), file)
    with pytest.raises(IncompatibleWeights, match="not on a Monday"):
        load_weights(Picky(2, 2), file)


def test_an_optimizer_made_before_goes_on_with_the_same_parameters(file):
    """Values are copied into the model's tensors, which stay the same objects."""
    save_weights(network(), file)
    model = network()
    before = [id(parameter) for parameter in model.parameters()]
    load_weights(model, file)
    assert [id(parameter) for parameter in model.parameters()] == before
    assert all(parameter.requires_grad for parameter in model.parameters())


@pytest.mark.gpu
def test_weights_go_to_where_the_model_is(file):
    """A file knows no devices."""
    stored, model = network().cuda(), network().cuda()
    save_weights(stored, file)
    load_weights(model, file)
    assert model[0].weight.is_cuda
    assert torch.equal(model[0].weight, stored[0].weight)
