"""`zoo convert`: files of real peers become portable weights, checked against what is in them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import safetensors.torch
import torch
from PIL import Image

import zoo
from zoo._convert import Target, convert
from zoo._registry import registry
from zoo.cli._convert import convert as command
from zoo.weights import read_metadata, read_state_dict

GOLDEN = Path(__file__).parents[1] / "golden"
MODEL = ("--model", "mlp", "--set", "model.in_features=4", "--set", "model.hidden=[5]")
TARGET = Target(model="mlp", options={"in_features": 4, "hidden": [5]})
NAMES = ["layers.0.weight", "layers.0.bias", "head.weight", "head.bias"]
SHAPES = [(5, 4), (5,), (3, 5), (3,)]
REFUSED = {"module.pth": "Net", "script.pth": "TorchScript"}
AVERAGED = {"averaged.pth", "timm.pth.tar", "torchvision.pth"}
WITHIN = {"within.pth": "layers.module."}
"""Where a part of the net was wrapped, which only the model's own names can tell."""
PARTS = {
    "timm.pth.tar": ("state_dict_ema", "state_dict"),
    "torchvision.pth": ("model_ema", "model"),
    "lightning.ckpt": ("state_dict.net", None),
}


def golden() -> list[str]:
    """The files that peers made, all of them."""
    ours = {".py", ".md"}
    return sorted(
        file.name for file in GOLDEN.iterdir() if file.suffix not in ours and file.is_file()
    )


def expected(shift=0.0, dtype=torch.float32) -> dict[str, torch.Tensor]:
    """The values that tests/golden/net.py fills its net with, computed here on their own."""
    return {
        name: (torch.arange(torch.Size(shape).numel()) / 8 + number + shift).view(shape).to(dtype)
        for number, (name, shape) in enumerate(zip(NAMES, SHAPES, strict=True))
    }


def same(state, values) -> bool:
    return all(
        state[name].dtype == values[name].dtype and torch.equal(state[name], values[name])
        for name in values
    )


def run(*arguments, code=0, **environment):
    """Run `zoo convert` as a user does, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "zoo", "convert", *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUTF8": "1", **environment},
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def refused(*arguments) -> str:
    """Have the command refuse, in this process: torch takes its time to import."""
    with pytest.raises(zoo.ZooError) as raised:
        command.main([str(argument) for argument in arguments], standalone_mode=False)
    assert len(str(raised.value).splitlines()) <= 5
    return str(raised.value)


def told(conversion) -> str:
    return "\n".join(conversion.notes)


def test_there_are_golden_files():
    """Of each program that the docs name."""
    assert {"zip.pth", "legacy.pth", "lightning.ckpt", *REFUSED, *AVERAGED} <= set(golden())
    assert all((GOLDEN / name).stat().st_size < 20_000 for name in golden())


@pytest.mark.parametrize("name", [name for name in golden() if name not in REFUSED])
def test_a_file_of_a_peer_becomes_portable(name, tmp_path):
    """With the model: its names in its order, its values to the bit, and a file that loads."""
    out = tmp_path / "net.safetensors"
    done = convert(GOLDEN / name, out, registry(), target=TARGET)
    dtype = torch.float16 if name == "half.pth" else torch.float32
    values = expected(shift=1.0 if name in AVERAGED else 0.0, dtype=dtype)
    state = read_state_dict(out)
    assert list(state) == NAMES
    assert same(state, values)
    assert same(safetensors.torch.load_file(out), values)
    assert "num_classes=3, as the file has it" in told(done)
    net = zoo.load_model(out)
    assert torch.equal(net.head.bias, values["head.bias"].float())
    if name in PARTS:
        assert f"took {PARTS[name][0]}" in told(done)


@pytest.mark.parametrize("name", [name for name in golden() if name not in REFUSED])
def test_a_file_of_a_peer_is_converted_without_knowing_its_model(name, tmp_path):
    """Wrappers' names are gone where they can be told; to torch's own format as well."""
    done = convert(GOLDEN / name, tmp_path / "net.pth", registry())
    state = torch.load(tmp_path / "net.pth", weights_only=True)
    values = expected(
        shift=1.0 if name in AVERAGED else 0.0, dtype=next(iter(state.values())).dtype
    )
    start = "net." if name == "lightning.ckpt" else ""
    names = [start + key for key in NAMES]
    if name in WITHIN:
        names = [key.replace("layers.", WITHIN[name]) for key in names]
    found = [key for key in state if not key.startswith("loss.")]
    assert sorted(found) == sorted(names)
    assert all(torch.equal(state[new], values[old]) for new, old in zip(names, NAMES, strict=True))
    assert len(done.foreign.tensors) == len(state)
    assert done.card is None


@pytest.mark.parametrize("name", [name for name, parts in PARTS.items() if parts[1]])
def test_of_two_weights_the_other_can_be_chosen(name, tmp_path):
    """The averaged ones are taken, and a line says how to have those of the training's end."""
    chosen, other = PARTS[name]
    out = tmp_path / "a.safetensors"
    done = convert(GOLDEN / name, out, registry())
    assert f"took {chosen}, which is averaged" in told(done)
    assert f"--part {other}" in told(done)
    done = convert(GOLDEN / name, out, registry(), part=other, target=TARGET)
    assert same(read_state_dict(out), expected())
    assert "averaged" not in told(done)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_would_need_code_is_refused_with_the_way_out(name, tmp_path):
    """Whole modules and programs: save the state_dict where they were made."""
    text = refused(GOLDEN / name, "-o", tmp_path / "a.safetensors")
    assert REFUSED[name] in text
    assert "torch.save(model.state_dict()" in text
    assert not list(tmp_path.iterdir())


def test_a_converted_file_answers_once_its_dataset_is_known(tmp_path):
    """The dataset tells the input and the classes: `zoo predict` and `zoo eval` need no more."""
    net = zoo.create_model("mlp", hidden=(7,))
    torch.save({"model": torch.nn.DataParallel(net).state_dict()}, tmp_path / "a.ckpt")
    out = tmp_path / "a.safetensors"
    model = ("--model", "mlp", "--set", "model.hidden=[7]")
    done = run(tmp_path / "a.ckpt", "-o", out, *model, "--dataset", "digits", "--json")
    report = json.loads(done.stdout)
    assert report["bytes"] == out.stat().st_size
    assert (report["part"], report["removed"], report["tensors"]) == ("model", ["module."], 4)
    card = json.loads(read_metadata(out)["zoo"])
    assert card["options"] == {"hidden": [7], "in_features": 784, "num_classes": 10}
    assert (card["model"], card["dataset"]) == ("vision/mlp", "vision/digits")
    Image.new("L", (8, 8), 200).save(tmp_path / "a.png")
    (answer,) = zoo.predict(out, [tmp_path / "a.png"])
    assert 0 <= int(answer["class"]) <= 9
    assert 0 <= zoo.evaluate(out)["accuracy"] <= 1


def test_a_file_that_describes_itself_goes_on_doing_so(tmp_path):
    """Copied by `zoo convert`, in its place or beside; other names would be another model's."""
    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    convert(GOLDEN / "zip.pth", first, registry(), target=TARGET)
    for out in (second, first):
        done = convert(first, out, registry())
        assert done.card.model == "vision/mlp"
        assert read_metadata(out)["zoo"] == json.dumps(
            json.loads(read_metadata(first)["zoo"]), separators=(",", ":")
        )
        assert same(zoo.load_model(out).state_dict(), expected())
    assert convert(first, tmp_path / "b.pth", registry()).card.model == "vision/mlp"


def test_what_others_have_in_the_place_of_a_card_keeps_no_weights_back(tmp_path):
    """It is left out, which is told: what it says is not known."""
    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    safetensors.torch.save_file(expected(), first, metadata={"zoo": "animals"})
    done = convert(first, second, registry())
    assert done.card is None
    assert "a card that can't be read" in done.notes[0]
    assert "zoo" not in read_metadata(second)
    assert same(read_state_dict(second), expected())


def test_without_a_dataset_a_converted_file_says_what_is_missing(tmp_path):
    """It loads as a model; what its inputs are, nobody has told."""
    out = tmp_path / "a.safetensors"
    done = run(GOLDEN / "zip.pth", "-o", out, *MODEL)
    assert "without --dataset" in done.stderr
    assert (
        done.stdout == f"{out}: 4 tensors of vision/mlp, 43 values, {out.stat().st_size:,} bytes\n"
    )
    Image.new("L", (2, 2)).save(tmp_path / "a.png")
    with pytest.raises(zoo.ZooError, match="Convert again with --dataset"):
        zoo.predict(out, [tmp_path / "a.png"])


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--model", "mlp", "--set", "model.in_features=4"], "does not fit MLP"),
        ([*MODEL, "--set", "model.num_classes=5"], "(3, 5) float32 in the file"),
        (["--model", "vision/resnet18"], "missing from the file"),
        ([*MODEL[:-2], "--set", "model.hiden=[5]"], "'hidden'"),
        (["--model", "mlpp"], "mlp"),
        (["--set", "model.hidden=[5]"], "--model"),
        (["--dataset", "digits"], "--model"),
        ([*MODEL, "--set", "epochs=3"], "epochs"),
        ([*MODEL, "--set", "dataset.a=3"], "--dataset"),
        (["--part", "ema"], "no weights called 'ema'"),
    ],
)
def test_what_is_asked_wrongly_is_answered_with_what_to_do(flags, said, tmp_path):
    """In a few lines; nothing is written."""
    assert said in refused(GOLDEN / "zip.pth", "-o", tmp_path / "a.safetensors", *flags)
    assert not list(tmp_path.iterdir())


def test_names_are_checked_before_torch_is_imported(tmp_path):
    """Of files and of models: importing torch costs seconds."""
    file = tmp_path / "b.pth"
    assert (
        "no file"
        in run(tmp_path / "a.ckpt", "-o", file, code=2, PYTHONPATH=no_torch(tmp_path)).stderr
    )
    done = run(
        GOLDEN / "zip.pth", "-o", file, "--model", "mlpp", code=2, PYTHONPATH=no_torch(tmp_path)
    )
    assert "mlp" in done.stderr
    assert ".safetensors, .pth, .pt" in refused(GOLDEN / "zip.pth", "-o", tmp_path / "b.ckpt")


def no_torch(folder: Path) -> str:
    """A folder in which torch can't be imported."""
    (folder / "empty").mkdir(exist_ok=True)
    (folder / "empty" / "torch.py").write_text("raise SystemExit('torch was imported')")
    return str(folder / "empty")


def test_a_file_can_be_converted_in_its_place(tmp_path):
    """What was read is not written over before it has been copied."""
    file = tmp_path / "a.safetensors"
    file.write_bytes((GOLDEN / "safetensors.safetensors").read_bytes())
    convert(file, file, registry())
    assert same(read_state_dict(file), expected())
    assert read_metadata(file)["zoo.format"] == "1"


def test_a_file_that_is_there_is_replaced_on_request(tmp_path):
    """Weights of a run, or of what was pulled, never: their digests are recorded."""
    out, own = tmp_path / "out.pth", tmp_path / "run" / "model.pth"
    own.parent.mkdir()
    (own.parent / "run.json").touch()
    for file in (out, own):
        file.write_text("there")
    asked = [str(GOLDEN / "zip.pth"), "-o"]
    assert refused(*asked, out) == f"{out} exists; --force replaces it, -o OUT writes elsewhere"
    assert "is kept as it is" in refused(*asked, own, "--force")
    command.main([*asked, str(out), "--force"], standalone_mode=False)
    assert same(read_state_dict(out), expected())
    assert own.read_text() == "there"


def test_names_are_kept_on_request(tmp_path):
    """A model may well have one child, and call it `module`."""
    out, file = tmp_path / "a.safetensors", GOLDEN / "data-parallel.pth"
    assert "took module. out of the names" in told(convert(file, out, registry()))
    convert(file, out, registry(), keep_names=True)
    assert set(read_state_dict(out)) == {f"module.{name}" for name in NAMES}
