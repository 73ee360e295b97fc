"""Trained models are fed as their training data was, whatever the samples come in."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import zoo
from zoo import home
from zoo._registry import registry
from zoo.data import InputSpec, match_dtype
from zoo.errors import InvalidData
from zoo.inference import load, measure
from zoo_registry import Splits


def train(data, name="mine", epochs=2, **settings):
    zoo.train("mlp", data, epochs=epochs, lr=0.05, name=name, progress=False, set=settings)
    return name


def images(count=60, seed=0):
    """Dark and bright bytes (N, 1, 4, 4), uint8, and which is which, int64 (N,)."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    pixels = rng.integers(0, 100, (count, 1, 4, 4)) + 150 * labels[:, None, None, None]
    return pixels.astype(np.uint8), labels


def table(count=60):
    """Bytes (N, 3) that are measurements, and which class they are of."""
    samples, labels = images(count)
    return samples.reshape(count, 16)[:, :3], labels


def measured(name, *data):
    return measure(load(name, registry()), registry(), {}, dataset=data)["metrics"]


class TestDtypes:
    """The dtype decides how samples are scaled, so it is the training's everywhere."""

    @pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint16"])
    def test_bytes_in_another_dtype_measure_the_same(self, dtype):
        x, y = images()
        name = train((x, y))
        assert measured(name, x.astype(dtype), y) == measured(name, x, y)

    @pytest.mark.parametrize("scale", [1 / 255, 2.0, -1.0])
    def test_other_values_are_refused_for_a_model_of_bytes(self, scale):
        x, y = images()
        name = train((x, y), epochs=1)
        with pytest.raises(InvalidData, match=r"float32, with other values than whole.*0\.\.255"):
            measured(name, (x * scale).astype(np.float32), y)

    def test_bytes_are_refused_for_a_model_of_float_images(self, tmp_path):
        """From an array and from an image file: nobody knows how the floats were scaled."""
        x, y = images()
        name = train(((x / 255).astype(np.float32), y), epochs=1)
        with pytest.raises(InvalidData, match="uint8; the model was trained on images of float32"):
            measured(name, x, y)
        Image.fromarray(x[0, 0]).save(tmp_path / "one.png")
        with pytest.raises(InvalidData, match=r"one\.png.*images of float32.*give an \.npz"):
            zoo.predict(name, [tmp_path / "one.png"])
        np.savez(tmp_path / "some.npz", x=x)
        with pytest.raises(InvalidData, match=r"some\.npz: samples are uint8"):
            zoo.predict(name, [tmp_path / "some.npz"])

    @pytest.mark.parametrize("dtype", [np.float32, np.int64])
    def test_a_table_of_bytes_keeps_its_values(self, tmp_path, dtype):
        """Measurements that happen to fit a byte are not divided by 255."""
        x, y = table()
        name = train((x.astype(dtype), y))
        for kind in (dtype, np.uint8):
            np.savez(tmp_path / f"{np.dtype(kind)}.npz", x=x.astype(kind))
        wide, narrow = (
            [answer["top"] for answer in zoo.predict(name, [tmp_path / f"{np.dtype(kind)}.npz"])]
            for kind in (dtype, np.uint8)
        )
        assert wide == narrow
        assert measured(name, x, y) == measured(name, x.astype(dtype), y)

    def test_an_image_file_is_its_array(self, tmp_path):
        x, y = images()
        name = train((x, y))
        Image.fromarray(x[0, 0]).save(tmp_path / "one.png")
        np.savez(tmp_path / "one.npz", x=x[:1])
        file, array = zoo.predict(name, [tmp_path / "one.png", tmp_path / "one.npz"])
        assert file["top"] == array["top"]
        assert (file["input"], array["input"][-3:]) == (str(tmp_path / "one.png"), "[0]")

    @given(
        st.sampled_from(["uint8", "int32", "bool", "float32"]),
        st.lists(st.integers(-300, 300) | st.floats(width=32), min_size=1),
    )
    def test_values_survive_or_are_refused(self, name, values):
        """Whatever comes back holds the values that went in."""
        samples = torch.tensor(values, dtype=torch.float64)
        try:
            matched = match_dtype(samples, InputSpec(shape=(), dtype=name))
        except InvalidData:
            assert name != "float32"
            return
        assert torch.equal(matched.double().nan_to_num(), samples.nan_to_num())


class TestMeasure:
    """What a model is measured on."""

    def test_the_samples_held_out_are_those_of_the_training(self, tmp_path):
        """Naming the training's own file measures on the same fifth, not on learned samples."""
        rng = np.random.default_rng(0)
        path = tmp_path / "noise.npz"
        np.savez(path, x=rng.normal(size=(200, 4)), y=rng.integers(0, 2, 200))
        options = {"dataset.split_seed": 7, "dataset.test_fraction": 0.3}
        name = train(f"npz:{path}", **options)
        expected = zoo.evaluate(name)
        assert zoo.evaluate(name, f"npz:{path}") == expected
        assert zoo.evaluate(name, f"arrays/npz:{tmp_path}/../{tmp_path.name}/noise.npz") == expected
        asked = {"dataset": f"npz:{path}", "dataset.split_seed": 8}
        result = measure(load(name, registry()), registry(), asked)
        assert result["samples"] == 60
        assert result["metrics"] != expected

    def test_another_file_is_read_with_its_own_settings(self, tmp_path):
        for file, count in (("a", 100), ("b", 50)):
            x, y = table(count)
            np.savez(tmp_path / f"{file}.npz", x=x, y=y)
        name = train(f"npz:{tmp_path / 'a.npz'}", epochs=1, **{"dataset.test_fraction": 0.5})
        asked = {"dataset": f"npz:{tmp_path / 'b.npz'}"}
        assert measure(load(name, registry()), registry(), asked)["samples"] == 10

    def test_data_that_have_moved_since_are_asked_for(self, tmp_path):
        """The place of the training is nobody's mistake; one that was named just now is."""
        x, y = table()
        np.savez(tmp_path / "a.npz", x=x, y=y)
        name = train(f"npz:{tmp_path / 'a.npz'}", epochs=1)
        (tmp_path / "a.npz").unlink()
        with pytest.raises(
            InvalidData, match=r"a\.npz; the training had .*--dataset npz:PATH says"
        ):
            zoo.evaluate(name)
        with pytest.raises(InvalidData, match=r"b\.npz$"):
            zoo.evaluate(name, f"npz:{tmp_path / 'b.npz'}")

    def test_one_class_can_be_measured(self):
        """All of class 0, of a model that knows two."""
        x, y = images()
        name = train((x, y), epochs=1)
        dark = zoo.ArrayDataset(x[y == 0], y[y == 0])
        assert 0 <= zoo.evaluate(name, Splits(train=dark))["accuracy"] <= 1

    @pytest.mark.parametrize("width", [1, 3])
    def test_another_number_of_targets_is_refused(self, width):
        """One column would be broadcast against two outputs, and measure nothing."""
        x = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
        name = train((x, x[:, :2]), epochs=1)
        with pytest.raises(InvalidData, match=f"classes {width} are not the model's: 2"):
            measured(name, x, x[:, :width])


class TestFiles:
    """Sets of files that a training decodes once are read once to measure on them."""

    @pytest.fixture
    def photos(self, tmp_path):
        """Sixty dark and bright images."""
        pixels, labels = images()
        for index, (image, label) in enumerate(zip(pixels, labels, strict=True)):
            path = tmp_path / "photos" / ("dark", "bright")[label] / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image[0]).save(path)
        return f"folder:{tmp_path / 'photos'}"

    def test_measuring_caches_nothing(self, photos):
        """A training that was told to cache nothing is not contradicted."""
        run = zoo.train("mlp", photos, epochs=1, cache="none", progress=False)
        assert zoo.evaluate(run.name) == run.metrics
        assert not (home.home() / "cache").exists()

    def test_a_trainings_cache_is_read(self, photos):
        """And measures the same."""
        run = zoo.train("mlp", photos, epochs=1, progress=False)
        times = {path: path.stat().st_mtime_ns for path in (home.home() / "cache").iterdir()}
        assert len(times) == 2
        assert zoo.evaluate(run.name) == run.metrics
        used = [path for path, before in times.items() if path.stat().st_mtime_ns > before]
        assert len(used) == 1


def test_a_missing_file_is_named():
    """Before anything is computed."""
    x, y = images()
    name = train((x, y), epochs=1)
    with pytest.raises(InvalidData, match=r"no file .*none\.png"):
        zoo.predict(name, [Path("none.png")])
