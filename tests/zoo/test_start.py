"""A training starts from the weights it names, the very same ones each time, or not at all."""

import hashlib
import json
import shutil

import pytest
import safetensors.torch
import torch
from killed_runs import STEPS, Killed, Net, after, begin, go_on, images, kill, stored
from made_runs import zoo as command

import zoo
from zoo._registry import registry
from zoo.checkpoints import checkpoints
from zoo.errors import (
    CorruptCheckpoint,
    CorruptWeights,
    IncompatibleWeights,
    InvalidOption,
    UnknownName,
    UsageError,
)
from zoo.recipe import make_plans, parent_of, read_recipe
from zoo.weights import read_state_dict, save_weights

STILL = {"epochs": 1, "optimizer": "sgd", "lr": 1e-30, "progress": False, "device": "cpu"}
"""A rate at which no float32 moves: what comes out is what it started from."""
SMALL = {"model.hidden": [16]}


def train(dataset="digits", **changes):
    return zoo.train("mlp", dataset, **{**STILL, "set": SMALL, **changes})


def digest(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


def same(one, other):
    first, second = read_state_dict(one), read_state_dict(other)
    return list(first) == list(second) and all(torch.equal(first[n], second[n]) for n in first)


@pytest.fixture
def first():
    """A run that has learnt something."""
    return train(lr=0.1, seed=7)


SOURCES = {
    "name": lambda run, _folder: (run.name, run.name, "model.safetensors"),
    "folder": lambda run, _folder: (run.path, run.name, "model.safetensors"),
    "alias": lambda run, _folder: (alias(run), run.name, "model.safetensors"),
    "file of the run": lambda run, _folder: (
        run.path / "model.pth",
        str(run.path / "model.pth"),
        "model.pth",
    ),
}


def alias(run):
    command("runs", "tag", run.name, "best")
    return "@best"


@pytest.mark.parametrize("source", SOURCES)
def test_a_training_starts_from_a_runs_weights(first, tmp_path, source):
    """However they are named: the recipe says which, with their digest, and the run its parent."""
    given, name, file = SOURCES[source](first, tmp_path)
    run = train(weights=given)
    assert same(run.weights, first.weights)
    assert run.recipe["weights"] == name
    assert run.recipe["weights_sha256"] == digest(first.path / file)
    assert run.record["parent"] == first.name


def test_a_training_starts_from_a_lone_file(first, tmp_path, monkeypatch, capsys):
    """By its whole path, for tomorrow it is trained from elsewhere; a line says what was loaded."""
    shutil.copy(first.weights, tmp_path / "net.safetensors")
    monkeypatch.chdir(tmp_path)
    run = train(weights="net.safetensors", progress=True)
    assert "net.safetensors: loaded 4 of 4 tensors, 100.0%" in "".join(capsys.readouterr())
    assert same(run.weights, first.weights)
    assert run.recipe["weights"] == str((tmp_path / "net.safetensors").resolve())
    assert run.record["parent"] is None


def test_without_weights_a_recipe_says_nothing_of_them(first):
    """As most have none."""
    assert not {"weights", "weights_sha256", "reset_head"} & set(first.recipe)
    assert first.record["parent"] is None


def test_averages_and_frozen_parts_start_from_the_weights_too(first):
    """What is made from the model is made once it has them."""
    run = train(weights=first.name, ema=0.9)
    assert same(run.weights, first.weights)
    run = train(weights=first.name, lr=0.1, freeze=["layers"])
    before, after_it = read_state_dict(first.weights), read_state_dict(run.weights)
    assert torch.equal(before["layers.0.weight"], after_it["layers.0.weight"])
    assert not torch.equal(before["head.weight"], after_it["head.weight"])


def test_a_module_of_ones_own_starts_from_weights(tmp_path):
    """It is trained in place, as ever."""
    stored_net, net = Net(), Net()
    with torch.no_grad():
        stored_net.head.bias.fill_(3)
    save_weights(stored_net, tmp_path / "net.pth")
    run = zoo.train(net, images(), weights=tmp_path / "net.pth", **STILL)
    assert torch.equal(net.head.bias, stored_net.head.bias)
    assert torch.equal(read_state_dict(run.weights)["head.bias"], stored_net.head.bias)


def three_classes():
    generator = torch.Generator().manual_seed(0)
    return torch.rand(60, 784, generator=generator), torch.arange(60) % 3


def test_a_head_for_other_classes_is_fresh_on_request_only(first, capsys):
    """The rest is the file's; without the request the error names it."""
    with pytest.raises(IncompatibleWeights, match="for 10 classes.*for 3.*--reset-head"):
        train(three_classes(), weights=first.name)
    run = train(three_classes(), weights=first.name, reset_head=True, progress=True)
    assert "2 of the head kept as the model has them" in "".join(capsys.readouterr())
    fresh = read_state_dict(train(three_classes()).weights)
    found, before = read_state_dict(run.weights), read_state_dict(first.weights)
    for name, tensor in found.items():
        expected = fresh[name] if name.startswith("head.") else before[name]
        # A bias begins as zeros, which even this rate moves.
        assert torch.allclose(tensor, expected, rtol=0, atol=1e-20), name
    assert run.recipe["reset_head"] is True


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"reset_head": True}, InvalidOption, "reset_head goes with weights"),
        ({"weights": "mlp-digits-2"}, UnknownName, "closest: mlp-digits-1"),
        ({"weights": "net.pth"}, UsageError, "there is no file net.pth"),
        ({"set": {"weights": 3}}, InvalidOption, "weights: expected"),
        ({"weights": "mlp-digits-1", "set": {}}, IncompatibleWeights, "does not fit MLP"),
    ],
)
def test_what_cannot_be_started_from_is_said_before_anything_is_trained(
    first, changes, error, said
):
    """With what there is, and no run is left."""
    with pytest.raises(error, match=said):
        train(**changes)
    assert [run.name for run in zoo.list_runs()] == [first.name]


def test_other_programs_files_are_answered_with_the_command_that_converts_them(first, tmp_path):
    """By their suffix, by what is in them, by their names."""
    state = read_state_dict(first.weights)
    wrapped = {f"module.{name}": value for name, value in state.items()}
    files = {"a.ckpt": {"state_dict": state}, "b.pth": {"model": state}, "c.pth": wrapped}
    for name, value in files.items():
        torch.save(value, tmp_path / name)
        with pytest.raises(UsageError, match=f"zoo convert .*{name} -o"):
            train(weights=tmp_path / name)
        out = tmp_path / f"{name}.safetensors"
        command("convert", tmp_path / name, "-o", out)
        assert same(train(weights=out).weights, first.weights)


def test_weights_that_are_no_longer_the_same_are_not_trained_from(first, tmp_path):
    """Neither reproduced nor trained again, until somebody says that these are meant."""
    file = tmp_path / "net.pth"
    shutil.copy(first.path / "model.pth", file)
    run = train(weights=file)
    assert zoo.reproduce(run.name, progress=False).identical
    save_weights({n: t + 1 for n, t in read_state_dict(first.weights).items()}, file)
    recipe = run.path / "recipe.toml"
    for again in (lambda: zoo.reproduce(run.name, progress=False), lambda: zoo.train(recipe)):
        with pytest.raises(CorruptWeights, match="--weights"):
            again()
    other = zoo.train(recipe, weights=file, progress=False)
    assert other.recipe["weights_sha256"] == digest(file) != run.recipe["weights_sha256"]
    file.unlink()
    with pytest.raises(UsageError, match="no file"):
        zoo.reproduce(other.name, progress=False)


def test_a_flipped_bit_in_what_is_started_from_is_told(first, tmp_path):
    """Its own digest is looked at, not only the one that was taken of it a moment ago."""
    data = bytearray(first.weights.read_bytes())
    data[-5] ^= 1
    (tmp_path / "net.safetensors").write_bytes(data)
    assert safetensors.torch.load_file(tmp_path / "net.safetensors")
    with pytest.raises(CorruptWeights, match="bytes have changed"):
        train(weights=tmp_path / "net.safetensors")
    first.weights.write_bytes(data)
    with pytest.raises(CorruptWeights, match="not what the run stored"):
        train(weights=first.name)


@pytest.fixture
def other(tmp_path):
    """Weights of a net of the tests' own."""
    torch.manual_seed(5)
    state = {
        name: torch.rand_like(t) if t.is_floating_point() else t
        for name, t in Net().state_dict().items()
    }
    return save_weights(state, tmp_path / "other.safetensors").path


def test_a_run_that_goes_on_no_longer_needs_what_it_started_from(other):
    """The checkpoint has it all: the same bytes, with the file gone."""
    whole = stored(begin(name="whole", weights=other))
    with pytest.raises(Killed):
        begin([after(STEPS // 2, kill, training=True)], weights=other)
    other.unlink()
    assert stored(go_on()) == whole


def test_a_run_without_checkpoints_starts_over_from_the_weights(other):
    """Once they were damaged all, and are deleted as it says; never from fresh weights."""
    whole = stored(begin(name="whole", weights=other))
    with pytest.raises(Killed):
        begin([after(STEPS // 2, kill, training=True)], weights=other)
    run = zoo.list_runs()[0]
    for folder in checkpoints(run.path):
        (folder / "state.json").write_bytes(b"{}")
    with pytest.raises(CorruptCheckpoint, match=f"delete .*zoo resume {run.name}"):
        go_on()
    shutil.rmtree(run.path / "checkpoints")
    assert stored(go_on()) == whole


def test_the_command_line_starts_from_weights_too(first):
    """With flags, and from a recipe; a dry run tries whether they fit."""
    flags = ("--dataset", "digits", "--epochs", "1", "--set", "model.hidden=[16]", "--json")
    done = command("train", "mlp", *flags, "--weights", first.name, "--reset-head")
    run = zoo.list_runs()[0]
    assert json.loads(done.splitlines()[-1])["run"] == run.name
    assert (run.recipe["weights"], run.recipe["reset_head"]) == (first.name, True)
    assert read_recipe(run.path / "recipe.toml")["weights"] == first.name
    shown = command("train", "mlp", *flags, "--dry-run", "--weights", first.name)
    assert json.loads(shown)["recipe"]["weights"] == first.name
    said = command(
        "train", "mlp", "--dataset", "digits", "--dry-run", "--weights", first.name, code=2
    )
    assert "does not fit MLP" in said


def test_a_recipe_file_that_is_overruled_is_not_looked_up(first, tmp_path):
    """Its own weights may be anywhere by now."""
    file = tmp_path / "recipe.toml"
    file.write_text('model = "mlp"\ndataset = "digits"\nweights = "gone.pth"\nreset_head = true\n')
    asked = {"model": str(file), "weights": first.name}
    settings = make_plans(asked, registry())[0].settings
    assert (settings["weights"], settings["reset_head"]) == (first.name, True)
    with pytest.raises(UsageError, match=r"gone\.pth"):
        make_plans({"model": str(file)}, registry())


def test_a_parent_is_told_by_the_folder(first, tmp_path):
    """A run's, wherever it lies; a file that lies alone has none."""
    assert parent_of("") is None
    assert parent_of("some-run") == "some-run"
    assert parent_of(str(first.path)) == first.name
    assert parent_of(str(first.weights)) == first.name
    assert parent_of(str(tmp_path / "a.pth")) is None
    elsewhere = shutil.move(first.path, tmp_path / "moved")
    run = train(weights=elsewhere)
    assert (run.recipe["weights"], run.record["parent"]) == (str(tmp_path / "moved"), "moved")
