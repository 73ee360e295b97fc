"""What can't be exported truly is not written, and the text says what to try next."""

import json
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from made_runs import posix

import zoo
import zoo_registry
from zoo.card import make_foreign_card
from zoo.cli._completion._shells import SHELLS
from zoo.cli._export import export as command
from zoo.cli._main import cli
from zoo.data import DataFacts, InputSpec
from zoo.errors import StorageError
from zoo.exporting import FORMATS, export_model, make_order
from zoo.exporting._order import _default_out
from zoo.inference import load
from zoo.runs import FoundWeights, tag
from zoo.training import build_module
from zoo.weights import save_weights

pytestmark = pytest.mark.usefixtures("no_tqdm_monitor")

NET = """
import os
from pathlib import Path

class Net(nn.Module):
    def __init__(self, in_features: int = 6, num_classes: int = 3):
        super().__init__()
        self.head = nn.Linear(in_features, num_classes)
    def forward(self, samples):
        outputs = self.head(samples)
"""
DATA = """
from zoo import ArrayDataset
def data(root):
    x = torch.rand(20, 6, generator=torch.Generator().manual_seed(0))
    return Splits(train=ArrayDataset(x, torch.arange(20) % 3))
"""
SPECS = {
    "model": 'ModelSpec(name="net", build="planted_code:Net", datasets=("data",), summary="s")',
    "dataset": 'DatasetSpec(name="data", build="planted_code:data", summary="s")',
}
ODD = {
    "draws": "return nn.functional.dropout(outputs, training=True)",
    "learns": "self.head.bias.data.add_(0.1); return outputs",
    "fakes": "return outputs * (1.01 if torch.compiler.is_exporting() else 1)",
    "fakes a little": "return outputs * (1.01 if torch.compiler.is_exporting() else 1) / 1e5",
    "branches": "return outputs if samples.sum() > 0 else -outputs",
    "pairs": "return outputs if len(samples) % 2 == 0 else outputs * 1.0 + 0",
    "tuple": "return outputs, samples",
    "sums": "return outputs.sum()",
    "infinite": "return outputs / 0",
    "sorts": "return torch.linalg.eigvals(outputs.T @ outputs).real.sum() * 0 + outputs",
}
"""Models that are no good to export, by what they do at the end of `forward`."""
KILLS = {
    "traced": "torch.compiler.is_exporting()",
    "read": "list(Path(os.environ['OUT']).glob('.*partial*'))",
}
"""When a model sends Ctrl-C to the process that asks it."""


@pytest.fixture
def planted_file(planted, tmp_path):
    """Return what makes a weights file of a model with this end of `forward`, and its registry."""

    def make(end):
        planted.install(DATA + NET + f"        {end}\n", SPECS)
        registry = zoo_registry.load(only=["planted"])
        entry = registry.find("model", "net")
        facts = DataFacts(
            task="classification",
            input=InputSpec(shape=(6,), dtype="float32"),
            num_classes=3,
            classes=("a", "b", "c"),
            num_train=20,
            num_test=0,
            fingerprint="",
        )
        card = make_foreign_card(entry, {}, facts, "planted/data")
        file = tmp_path / "net.safetensors"
        save_weights(build_module(entry), file, metadata=card.to_metadata())
        return file, registry

    return make


def refused(made, out, format_="torch-export", **options):
    """Export what was made, and be refused; the line that is told."""
    file, registry = made
    before = sorted(path.name for path in out.parent.iterdir())
    with pytest.raises(zoo.ZooError) as raised:
        export_model(make_order(file, format_, out, **options), registry)
    assert sorted(path.name for path in out.parent.iterdir()) == before
    assert len(str(raised.value).splitlines()) == 1
    assert "planted/net" in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("draws", "answers the same samples differently each time"),
        ("learns", "answers the same samples differently each time"),
        ("fakes", "differs from the model by"),
        ("fakes a little", "differs from the model by"),
        ("branches", "can't be traced .*: --format safetensors stores the weights alone"),
        ("tuple", "returns a tuple"),
        ("sums", r"outputs of shape \(\) for 1 samples"),
        ("infinite", "not finite"),
    ],
)
def test_a_model_that_can_not_be_exported_truly_is_refused(planted_file, tmp_path, end, said):
    """Whichever step finds out, nothing is left behind."""
    assert re.search(said, refused(planted_file(ODD[end]), tmp_path / "net.pt2"))


def test_a_wrong_graph_does_not_replace_a_good_file(planted_file, tmp_path):
    """The tolerance is checked on the file as its runtime reads it, before it is in its place."""
    (tmp_path / "net.onnx").write_text("good")
    made = planted_file(ODD["fakes"])
    said = refused(made, tmp_path / "net.onnx", "onnx", force=True)
    assert "nothing was written. Try another --format" in said
    assert (tmp_path / "net.onnx").read_text() == "good"


def test_what_depends_on_the_batch_can_be_had_for_one_sample(planted_file, tmp_path):
    made = planted_file(ODD["pairs"])
    said = refused(made, tmp_path / "net.pt2", dynamic_batch=True)
    assert said.endswith("leave out --dynamic-batch")
    file, registry = made
    done = export_model(make_order(file, "torch-export", tmp_path / "net.pt2"), registry)
    assert done.difference == 0
    assert done.samples == "8 training samples of planted/data"


def test_answers_that_are_all_alike_are_told(planted_file, tmp_path):
    """Then a graph that ignores its samples would be as close."""
    file, registry = planted_file("return outputs * 0 + torch.arange(3)")
    done = export_model(make_order(file, "torch-export", tmp_path / "net.pt2"), registry)
    assert done.notes == (
        "the model answers all of these samples alike, so that comparing them says little",
    )


def test_an_operation_that_onnx_lacks_is_told_in_a_line(planted_file, tmp_path):
    said = refused(planted_file(ODD["sorts"]), tmp_path / "net.onnx", "onnx", opset=18)
    assert "can't be had as ONNX" in said
    assert said.endswith("try another --opset, or --format torch-export")


@pytest.mark.parametrize(("when", "format_"), [("traced", "onnx"), ("read", "safetensors")])
def test_an_interrupt_leaves_nothing_behind(planted_file, tmp_path, monkeypatch, when, format_):
    """Neither while the model is traced, nor while the file is there under another name."""
    monkeypatch.setenv("OUT", str(tmp_path / "out"))
    (tmp_path / "out").mkdir()
    kill = f"os.kill(os.getpid(), {int(signal.SIGINT)})"
    file, registry = planted_file(f"{KILLS[when]} and {kill}; return outputs")
    order = make_order(file, format_, tmp_path / "out" / f"net.{format_}")
    with pytest.raises(KeyboardInterrupt):
        export_model(order, registry)
    assert list((tmp_path / "out").iterdir()) == []


@posix
@pytest.mark.parametrize("format_", FORMATS)
def test_a_full_disk_is_told_of_and_leaves_nothing_behind(planted_file, tmp_path, format_):
    """The file is named, not the temporary; torch's own writer would end the process."""
    import resource

    file, registry = planted_file("return outputs")
    (tmp_path / "out").mkdir()
    order = make_order(file, format_, tmp_path / "out" / f"net{FORMATS[format_][0]}")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, before[1]))
    try:
        with pytest.raises(StorageError, match=rf"can't write {re.escape(str(order.out))}: File"):
            export_model(order, registry)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list((tmp_path / "out").iterdir()) == []


@posix
def test_what_a_killed_export_leaves_is_hidden_and_goes_with_the_next(planted_file, tmp_path):
    """A real SIGKILL while the file is checked; nothing that looks like a model is there then."""
    out = tmp_path / "out" / "net.pth"
    out.parent.mkdir()
    program = (
        "import os, pathlib, signal, sys\n"
        "from zoo.exporting._publish import publish\n"
        "kill = lambda file: os.kill(os.getpid(), signal.SIGKILL)\n"
        "publish(pathlib.Path(sys.argv[1]), lambda file: file.write_text('half'), kill)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(out)], check=False)
    assert done.returncode == -signal.SIGKILL
    (left,) = out.parent.iterdir()
    assert left.name.startswith(".net.pth.")
    assert left.is_dir()
    file, registry = planted_file("return outputs")
    export_model(make_order(file, "pth", out), registry)
    assert list(out.parent.iterdir()) == [out]


class TestCommand:
    """`zoo export` as it is typed."""

    @pytest.fixture(autouse=True)
    def table(self, tmp_path, monkeypatch):
        """A run named `table`, in the home of the test."""
        monkeypatch.chdir(tmp_path)
        draws = np.random.default_rng(0)
        data = (draws.normal(size=(30, 4)), draws.integers(0, 2, (30, 3)))
        return zoo.train("mlp", data, epochs=1, name="table", progress=False)

    def refuse(self, *arguments):
        with pytest.raises(zoo.ZooError) as raised:
            command.main([str(argument) for argument in arguments], standalone_mode=False)
        return str(raised.value)

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["table", "--format", "onx"], "did you mean onnx? there are: onnx, torch-export"),
            (["tabel", "--format", "pth"], "table"),
            (["table", "--format", "pth", "--opset", "18"], "--opset 18 goes with --format onnx"),
            (["table", "--format", "pth", "--dynamic-batch"], "--dynamic-batch goes with"),
            (["table", "--format", "onnx", "-o", "a.pth"], "of --format onnx ends in .onnx"),
            (["table", "--format", "pth", "-o", "no/a.pth"], "there is no folder no; create"),
            (["table", "--format", "onnx", "--opset", "0"], "numbered from 1"),
        ],
    )
    def test_mistakes_are_answered_with_what_to_type(self, arguments, said, tmp_path):
        before = sorted(tmp_path.iterdir())
        assert said in self.refuse(*arguments)
        assert sorted(tmp_path.iterdir()) == before

    def test_a_file_is_replaced_when_that_is_said(self, tmp_path, capsys):
        command.main(["table", "--format", "pth"], standalone_mode=False)
        said = self.refuse("table", "--format", "pth")
        assert said == "table.pth exists; --force replaces it, -o OUT writes elsewhere"
        (tmp_path / "table.pth").write_text("old")
        command.main(["table", "--format", "pth", "--force"], standalone_mode=False)
        zoo.load_weights(zoo.load_model("table"), "table.pth")
        assert capsys.readouterr().out.count("largest difference 0.0e+00") == 2

    def test_what_is_exported_is_not_written_over(self, table):
        file = table.path / "model.safetensors"
        assert "is what is exported" in self.refuse(file, "--format", "safetensors", "--force")
        load(file, zoo_registry.load(only=["vision"]))

    @pytest.mark.parametrize(
        "name", ["model.pth", "model.safetensors", "checkpoints/a.safetensors"]
    )
    def test_a_runs_own_files_are_not_written_over(self, table, tmp_path, name):
        """Nor through a link to its folder; a graph beside them is no file of the run's."""
        own = table.path / name
        own.parent.mkdir(exist_ok=True)
        own.touch()
        before = own.read_bytes()
        (tmp_path / "link").symlink_to(table.path)
        copied = shutil.copy(table.path / "model.safetensors", tmp_path / "copied.safetensors")
        format_ = "pth" if own.suffix == ".pth" else "safetensors"
        for out in (own, tmp_path / "link" / name):
            said = self.refuse(copied, "--format", format_, "-o", out, "--force")
            assert said.endswith(f"all in {table.path.resolve()}; give another name with -o")
        assert own.read_bytes() == before
        graph = ["table", "--format", "torch-export", "-o", str(table.path / "a.pt2"), "--force"]
        for _ in range(2):
            command.main(graph, standalone_mode=False)

    def test_an_alias_means_its_run_and_the_file_has_the_runs_name(self, table, tmp_path):
        tag(table, "best")
        command.main(["@best", "--format", "pth"], standalone_mode=False)
        assert (tmp_path / "table.pth").exists()

    @pytest.mark.parametrize("source", ["hf:ada/net", "hf:ada/net@v1.0"])
    def test_what_came_from_a_hub_has_the_repositorys_name(self, source):
        found = FoundWeights(Path("cache") / ("0" * 40) / "model.safetensors", verified=False)
        assert _default_out(source, found, "onnx") == Path("net.onnx")

    def test_a_file_is_exported_beside_itself(self, table, tmp_path):
        (tmp_path / "kept").mkdir()
        copied = shutil.copy(
            table.path / "model.safetensors", tmp_path / "kept" / "net.safetensors"
        )
        command.main([str(copied), "--format", "torch-export"], standalone_mode=False)
        assert (tmp_path / "kept" / "net.pt2").exists()

    def test_a_graph_is_no_model_to_train_or_measure(self, tmp_path):
        (tmp_path / "a.onnx").touch()
        with pytest.raises(zoo.ZooError, match="an ONNX graph, which only zoo predict takes"):
            zoo.evaluate(tmp_path / "a.onnx")
        assert "only zoo predict takes" in self.refuse(tmp_path / "a.onnx", "--format", "pth")
        (tmp_path / "a.pt2").touch()
        with pytest.raises(zoo.ZooError, match=r"only torch\.export\.load takes; give the run"):
            zoo.predict(tmp_path / "a.pt2", [])

    def test_tab_completes_formats_and_files(self, tmp_path, monkeypatch):
        (tmp_path / "graph.onnx").touch()
        for line, expected in [
            ("zoo export table --format on", ["onnx"]),
            ("zoo export ta", ["table"]),
            ("zoo predict gra", ["graph.onnx"]),
        ]:
            monkeypatch.setenv("COMP_LINE", line)
            asked = SHELLS["zsh"](cli, {}, "zoo", "_ZOO_COMPLETE")
            found = asked.get_completions(*asked.get_completion_args())
            assert [item.value for item in found] == expected

    def test_without_its_libraries_onnx_is_refused_before_any_work(self, monkeypatch, table):
        for name in ("onnxscript", "onnxruntime"):
            monkeypatch.setitem(sys.modules, name, None)
        said = self.refuse("no-such-run", "--format", "onnx")
        assert "needs onnxscript, onnxruntime, not installed here: pip install" in said
        (table.path / "a.onnx").touch()
        with pytest.raises(zoo.ZooError, match=r"reading a\.onnx needs onnxruntime"):
            zoo.predict(table.path / "a.onnx", [])

    def test_the_exporters_own_talk_is_kept_off_the_terminal(self, capfd):
        """Opset 15 has it warn, and convert the graph with another library."""
        arguments = ["table", "--format", "onnx", "--opset", "15", "--json"]
        command.main(arguments, standalone_mode=False)
        out, err = capfd.readouterr()
        assert err == ""
        found = json.loads(out)
        assert (found["opset"], found["file"], found["format"]) == (15, "table.onnx", "onnx")
        assert (found["input_dtype"], found["input_shape"]) == ("float32", [4])
        assert found["bytes"] == Path("table.onnx").stat().st_size
        assert 0 <= found["difference"] <= found["tolerance"]
        assert found["samples"] == "8 made-up samples"
        assert "Python objects" in found["notes"][0]
