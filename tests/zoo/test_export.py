"""What is exported answers as the model does, in its own runtime; what does not is not written."""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from msgspec.structs import replace
from PIL import Image
from safetensors.torch import load_file

import zoo
from zoo._registry import registry
from zoo.card import read_card
from zoo.data import Resize
from zoo.errors import CorruptWeights, IncompatibleWeights, InvalidData, InvalidOption
from zoo.exporting import FORMATS, export_model, make_order
from zoo.weights import read_foreign, read_metadata, save_weights
from zoo_registry import resolve

pytestmark = pytest.mark.usefixtures("no_tqdm_monitor")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Runs that all tests here share: small networks for digits, a table, and wide photographs."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_HOME", str(home))
        cnn = zoo.train(
            "mnist-cnn", "digits", epochs=1, name="cnn", progress=False, set={"model.width": 4}
        )
        x = np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32)
        y = np.arange(60) % 3
        np.savez(home / "table.npz", x=x, y=y)
        mlp = zoo.train("mlp", f"npz:{home / 'table.npz'}", epochs=1, name="table", progress=False)
        pixels = np.random.default_rng(0).integers(0, 256, (24, 3, 24, 40)).astype(np.uint8)
        data, settings = (pixels, np.arange(24) % 3), {"model.width": 4}
        photos = zoo.train("mnist-cnn", data, epochs=1, name="p", progress=False, set=settings)
    return {"cnn": cnn.path, "table": mlp.path, "colour": photos.path}


@pytest.fixture(scope="module")
def graphs(trained, tmp_path_factory):
    """ONNX files of the network: samples prepared by whoever asks, one at a time; and within."""
    folder = tmp_path_factory.mktemp("graphs")
    outside = zoo.export(trained["cnn"], "onnx", folder / "outside.onnx")
    within = zoo.export(
        trained["cnn"],
        "onnx",
        folder / "within.onnx",
        dynamic_batch=True,
        with_preprocessing=True,
        opset=18,
    )
    return {"outside": outside, "within": within}


@pytest.fixture(scope="module")
def digits():
    """Some images of the test split, uint8 (N, 1, 28, 28)."""
    build = resolve(registry().find("dataset", "digits").spec.address)
    split = build(root=Path()).test
    return split.batch(torch.arange(0, 70, 7))[0]


def session(path):
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def prepared(model_input, samples):
    """Samples as the model takes them, computed here on their own: (x / 255 - mean) / std."""
    mean, std = (np.float32(model_input[key]).reshape(-1, 1, 1) for key in ("mean", "std"))
    return (samples.numpy().astype(np.float32) / 255 - mean) / std


def properties(path):
    """What an ONNX file says of itself."""
    return {found.key: found.value for found in onnx.load(path).metadata_props}


def without_antialiasing(_, samples, size):
    """Resizing as many runtimes have it."""
    return torch.nn.functional.interpolate(samples.float(), size, mode="bilinear").to(torch.uint8)


class TestOnnx:
    """Read by onnxruntime, without zoo."""

    def test_a_graph_is_sound_and_close(self, graphs):
        for name, done in graphs.items():
            onnx.checker.check_model(done.path, full_check=True)
            assert done.difference <= 1e-5
            more = " and 3 images of other sizes" if name == "within" else ""
            assert done.samples == f"8 test samples of vision/digits{more}"
            assert done.notes == ()

    def test_outputs_are_the_models(self, trained, graphs, digits):
        found = properties(graphs["outside"].path)
        net = zoo.load_model(trained["cnn"])
        inputs = prepared(json.loads(found["input"]), digits)
        graph = session(graphs["outside"].path)
        assert graph.get_inputs()[0].shape == [1, 1, 28, 28]
        outputs = [graph.run(["output"], {"input": inputs[i : i + 1]})[0] for i in range(3)]
        with torch.no_grad():
            expected = net(torch.from_numpy(inputs[:3]))
        np.testing.assert_allclose(np.concatenate(outputs), expected, atol=1e-4)

    @pytest.mark.parametrize("size", [1, 2, 7, 10])
    def test_a_dynamic_batch_is_of_any_size_and_takes_bytes(self, trained, graphs, digits, size):
        """The graph prepares them: what comes out is what the model makes of prepared samples."""
        net = zoo.load_model(trained["cnn"])
        found = json.loads(properties(graphs["within"].path)["input"])
        outputs = session(graphs["within"].path).run(None, {"input": digits[:size].numpy()})[0]
        with torch.no_grad():
            expected = net(torch.from_numpy(prepared(found, digits[:size])))
        assert outputs.shape == (size, 10)
        np.testing.assert_allclose(outputs, expected, atol=1e-4)

    def test_the_opset_is_the_one_asked_for(self, graphs):
        opsets = {
            found.domain: found.version for found in onnx.load(graphs["within"].path).opset_import
        }
        assert opsets[""] == graphs["within"].opset == 18

    def test_an_opset_that_can_not_be_had_is_refused(self, trained, tmp_path):
        """The exporter itself would go on with another one."""
        with pytest.raises(zoo.ZooError, match=r"opset 7, but in others: --opset \d+ is one"):
            zoo.export(trained["table"], "onnx", tmp_path / "a.onnx", opset=7)
        assert list(tmp_path.iterdir()) == []

    def test_a_file_describes_itself_and_not_the_machine(self, graphs):
        found = properties(graphs["within"].path)
        assert found["model"] == "vision/mnist-cnn"
        assert json.loads(found["classes"]) == [str(number) for number in range(10)]
        assert json.loads(found["input"])["shape"] == [1, 28, 28]
        assert json.loads(found["zoo"])["task"] == "classification"
        assert found["zoo_prepares"] == "true"
        for done in graphs.values():
            written = done.path.read_bytes()
            assert str(Path(zoo.__file__).parents[2]).encode() not in written
            assert str(Path(torch.__file__).parent).encode() not in written


class TestPredict:
    """`zoo predict` answers from an ONNX file as from the run."""

    @pytest.mark.parametrize("name", ["outside", "within"])
    def test_images_and_arrays_are_answered_as_by_the_run(
        self, trained, graphs, digits, tmp_path, name
    ):
        Image.fromarray(digits[0, 0].numpy()).resize((40, 36)).save(tmp_path / "one.png")
        np.savez(tmp_path / "some.npz", x=digits.numpy())
        inputs = [tmp_path / "one.png", tmp_path / "some.npz"]
        expected = zoo.predict(trained["cnn"], inputs)
        found = zoo.predict(graphs[name].path, inputs)
        assert len(found) == len(expected) == 11
        for one, other in zip(found, expected, strict=True):
            assert (one["input"], one["class"]) == (other["input"], other["class"])
            assert [entry["class"] for entry in one["top"]] == [e["class"] for e in other["top"]]
            assert one["probability"] == pytest.approx(other["probability"], abs=1e-4)

    def test_samples_are_checked_as_for_a_run(self, graphs, tmp_path):
        np.savez(tmp_path / "small.npz", x=np.zeros((2, 1, 5, 5), np.uint8))
        with pytest.raises(InvalidData, match=r"\(1, 5, 5\); the model takes \(1, 28, 28\)"):
            zoo.predict(graphs["within"].path, [tmp_path / "small.npz"])
        np.savez(tmp_path / "halves.npz", x=np.full((2, 1, 28, 28), 0.5, np.float32))
        with pytest.raises(InvalidData, match="other values than whole values"):
            zoo.predict(graphs["within"].path, [tmp_path / "halves.npz"])

    def test_another_device_is_refused(self, graphs):
        with pytest.raises(InvalidOption, match="computed on the CPU"):
            zoo.predict(graphs["within"].path, [], device="cuda")

    def test_files_that_zoo_did_not_write_are_told_apart(self, graphs, tmp_path):
        foreign = onnx.load(graphs["outside"].path)
        del foreign.metadata_props[:]
        onnx.save(foreign, tmp_path / "foreign.onnx")
        with pytest.raises(IncompatibleWeights, match="was not written by `zoo export`"):
            zoo.predict(tmp_path / "foreign.onnx", [])
        (tmp_path / "cut.onnx").write_bytes(graphs["outside"].path.read_bytes()[:5000])
        with pytest.raises(CorruptWeights, match=r"cut\.onnx can't be loaded by onnxruntime"):
            zoo.predict(tmp_path / "cut.onnx", [])
        with pytest.raises(zoo.ZooError, match=r"there is no file .*none\.onnx"):
            zoo.predict(tmp_path / "none.onnx", [])

    def test_a_card_for_other_samples_is_refused(self, graphs, tmp_path):
        changed = onnx.load(graphs["outside"].path)
        for found in changed.metadata_props:
            found.value = found.value.replace("[1,28,28]", "[3,28,28]")
        onnx.save(changed, tmp_path / "changed.onnx")
        with pytest.raises(IncompatibleWeights, match="it is not this file's card"):
            zoo.predict(tmp_path / "changed.onnx", [])

    def test_a_graph_that_does_not_do_what_it_says_is_refused(self, graphs, digits, tmp_path):
        """Bytes, where it was said to take them, into a graph of floats; one output for all."""
        np.savez(tmp_path / "some.npz", x=digits.numpy())
        changed = onnx.load(graphs["outside"].path)
        for found in changed.metadata_props:
            found.value = "true" if found.key == "zoo_prepares" else found.value
        onnx.save(changed, tmp_path / "lies.onnx")
        with pytest.raises(IncompatibleWeights, match=r"lies\.onnx can't be computed \(.*float"):
            zoo.predict(tmp_path / "lies.onnx", [tmp_path / "some.npz"])
        shape = onnx.helper.make_tensor_value_info
        total = onnx.helper.make_graph(
            [onnx.helper.make_node("ReduceSum", ["input"], ["output"], keepdims=0)],
            "total",
            [shape("input", onnx.TensorProto.FLOAT, ["batch", 1, 28, 28])],
            [shape("output", onnx.TensorProto.FLOAT, [])],
        )
        opsets = [onnx.helper.make_opsetid("", 18)]
        made = onnx.helper.make_model(total, opset_imports=opsets, ir_version=10)
        made.metadata_props.extend(onnx.load(graphs["outside"].path).metadata_props)
        onnx.save(made, tmp_path / "total.onnx")
        with pytest.raises(IncompatibleWeights, match=r"10 samples with outputs of shape \(\)"):
            zoo.predict(tmp_path / "total.onnx", [tmp_path / "some.npz"])


class TestAnySize:
    """A graph with preprocessing takes images as they are, and resizes them as zoo does."""

    @pytest.mark.parametrize("mode", ["L", "RGB"])
    def test_a_photograph_is_answered_as_by_the_run(self, trained, graphs, tmp_path, mode):
        """Whoever computes the graph: onnxruntime by itself, given all the pixels; and zoo."""
        run, graph = trained["cnn" if mode == "L" else "colour"], graphs["within"].path
        if mode == "RGB":
            graph = tmp_path / "colour.onnx"
            done = zoo.export(run, "onnx", graph, with_preprocessing=True)
            assert (done.any_size, done.dynamic_batch) == (True, False)
        draws = np.random.default_rng(0)
        for width, height in [(1500, 1100), (40, 24), (9, 200), (200, 9), (1, 1)]:
            coarse = draws.integers(0, 256, (4, 5, len(mode))).astype(np.uint8)
            image = Image.fromarray(coarse.squeeze()).resize((width, height))
            image.save(tmp_path / "photo.png")
            (expected,) = zoo.predict(run, [tmp_path / "photo.png"], device="cpu")
            (found,) = zoo.predict(graph, [tmp_path / "photo.png"])
            pixels = np.atleast_3d(np.asarray(image)).transpose(2, 0, 1)[None]
            outputs = session(graph).run(["output"], {"input": pixels})[0]
            scores = torch.from_numpy(outputs[0]).softmax(0).tolist()
            for entry, other in zip(expected["top"], found["top"], strict=True):
                assert scores[int(entry["class"])] == pytest.approx(entry["probability"], abs=1e-5)
                assert entry["class"] == other["class"]
                assert other["probability"] == pytest.approx(entry["probability"], abs=1e-5)

    def test_so_does_a_graph_of_torch_export(self, trained, tmp_path):
        done = zoo.export(
            trained["cnn"], "torch-export", tmp_path / "net.pt2", with_preprocessing=True
        )
        assert done.samples.endswith("and 3 images of other sizes")
        graph = torch.export.load(done.path).module()
        Image.effect_noise((61, 47), 90).save(tmp_path / "noise.png")
        (expected,) = zoo.predict(trained["cnn"], [tmp_path / "noise.png"], device="cpu")
        scores = graph(zoo.read_image(tmp_path / "noise.png", 1)[None])[0].detach().softmax(0)
        best = int(expected["class"])
        assert float(scores[best]) == pytest.approx(expected["probability"], abs=1e-5)

    def test_a_graph_resizes_as_the_card_says(self, trained, tmp_path):
        """As timm would, where weights are timm's: images of the model's own size, too."""
        card = read_card(read_metadata(trained["colour"] / "model.safetensors"), "colour")
        resize = Resize(mode="shorter", filter="bicubic", share=0.8)
        card = replace(card, prepared=replace(card.input, resize=resize), dataset="")
        file, graph = tmp_path / "timms.safetensors", tmp_path / "timms.onnx"
        save_weights(zoo.load_model(trained["colour"]), file, metadata=card.to_metadata())
        done = zoo.export(file, "onnx", graph, with_preprocessing=True)
        assert "nothing says which dataset" in done.notes[0]
        for width, height in [(40, 24), (90, 150)]:
            Image.effect_noise((width, height), 90).convert("RGB").save(tmp_path / "noise.png")
            (expected,) = zoo.predict(file, [tmp_path / "noise.png"], device="cpu")
            (usual,) = zoo.predict(trained["colour"], [tmp_path / "noise.png"], device="cpu")
            (found,) = zoo.predict(graph, [tmp_path / "noise.png"])
            assert found["probability"] == pytest.approx(expected["probability"], abs=1e-5)
            assert usual["probability"] != pytest.approx(expected["probability"], abs=1e-5)
        np.savez(tmp_path / "some.npz", x=np.zeros((1, 3, 24, 40), np.uint8))
        with pytest.raises(InvalidData, match="prepared already are not for it"):
            zoo.predict(graph, [tmp_path / "some.npz"])

    def test_a_graph_that_resizes_otherwise_is_not_published(self, trained, tmp_path, monkeypatch):
        """The images of other sizes tell: samples of the model's own need no resizing."""
        order = make_order(trained["cnn"], "onnx", tmp_path / "a.onnx", with_preprocessing=True)
        monkeypatch.setattr(Resize, "samples", without_antialiasing)
        with pytest.raises(zoo.ZooError, match="differs from the model"):
            export_model(order, registry())
        assert list(tmp_path.iterdir()) == []


class TestOthers:
    """torch.export, and weights alone."""

    def test_torch_export_loads_with_torch(self, trained, digits, tmp_path):
        done = zoo.export(
            trained["cnn"],
            "torch-export",
            tmp_path / "net.pt2",
            with_preprocessing=True,
            dynamic_batch=True,
        )
        assert (done.input_dtype, done.opset) == ("uint8", None)
        kept = {"card.json": ""}
        graph = torch.export.load(done.path, extra_files=kept).module()
        card = json.loads(kept["card.json"])
        assert card["model"] == "vision/mnist-cnn"
        net = zoo.load_model(trained["cnn"])
        for size in (1, 3, 10):
            with torch.no_grad():
                expected = net(torch.from_numpy(prepared(card["input"], digits[:size])))
                torch.testing.assert_close(graph(digits[:size]), expected, atol=1e-4, rtol=0)
        assert str(Path(torch.__file__).parent).encode() not in done.path.read_bytes()

    @pytest.mark.parametrize("name", ["safetensors", "pth"])
    def test_weights_are_the_runs_to_the_bit(self, trained, tmp_path, name):
        done = zoo.export(trained["cnn"], name, tmp_path / f"net{FORMATS[name][0]}")
        assert done.difference == 0
        read = load_file if name == "safetensors" else lambda p: torch.load(p, weights_only=True)
        expected, found = load_file(trained["cnn"] / "model.safetensors"), read(done.path)
        assert set(found) == set(expected)
        assert all(torch.equal(found[key], expected[key]) for key in expected)
        if name == "safetensors":  # and it is one that zoo reads without being told more
            assert zoo.evaluate(done.path) == zoo.evaluate(trained["cnn"])
            run = read_metadata(trained["cnn"] / "model.safetensors")
            assert json.loads(read_metadata(done.path)["zoo"]) == json.loads(run["zoo"])

    def test_without_its_data_a_model_is_compared_on_made_up_samples(
        self, trained, tmp_path, monkeypatch
    ):
        monkeypatch.chdir(tmp_path)
        data = trained["table"].parents[1] / "table.npz"
        hidden = data.rename(data.with_suffix(".hidden"))
        try:
            done = zoo.export(trained["table"], "torch-export", with_preprocessing=True)
        finally:
            hidden.rename(data)
        assert done.samples == "8 made-up samples"
        assert done.path == Path("table.pt2")
        assert "made-up samples:" in done.notes[0]
        assert "table.npz" in done.notes[0]
        assert "not scaled" in done.notes[1]

    @pytest.mark.parametrize("name", ["onnx", "torch-export"])
    def test_a_graph_is_not_converted_and_not_called_damaged(self, trained, tmp_path, name):
        done = zoo.export(trained["table"], name, tmp_path / f"net{FORMATS[name][0]}")
        with pytest.raises(zoo.ZooError, match=r"graph.*; give the run or the \.safetensors file"):
            read_foreign(done.path)

    def test_weights_under_the_name_of_a_graph_are_read(self, tmp_path):
        torch.save({"a": torch.ones(2)}, tmp_path / "a.pt2")
        assert torch.equal(read_foreign(tmp_path / "a.pt2").tensors["a"], torch.ones(2))
