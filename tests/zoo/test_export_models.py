"""Models of many kinds are exported, dynamic in the batch, and answer as they did in zoo."""

import numpy as np
import pytest

import zoo

pytestmark = pytest.mark.usefixtures("no_tqdm_monitor")


def numbers(answer):
    """The numbers of an answer, whatever the task."""
    if "top" in answer:
        return {entry["class"]: entry["probability"] for entry in answer["top"]}
    return answer.get("labels") or dict(enumerate(answer["values"]))


def check(run, samples, tmp_path, **options):
    """Export to ONNX; predict from that and from the run; return the export."""
    np.savez(tmp_path / "asked.npz", x=samples)
    done = zoo.export(run.path, "onnx", tmp_path / "a.onnx", dynamic_batch=True, **options)
    for found, expected in zip(
        zoo.predict(done.path, [tmp_path / "asked.npz"]),
        zoo.predict(run.path, [tmp_path / "asked.npz"], device="cpu"),
        strict=True,
    ):
        assert found.keys() == expected.keys()
        assert numbers(found) == pytest.approx(numbers(expected), abs=done.tolerance)
    return done


def table(columns=4, rows=40):
    return np.random.default_rng(0).normal(size=(rows, columns))


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_tables_are_taken_in_the_dtype_of_the_training(tmp_path, dtype):
    """With preprocessing within, that is what the graph takes; the cast is in it."""
    x = (table() * 10).astype(dtype)
    run = zoo.train("mlp", (x, np.arange(40) % 2), epochs=1, progress=False)
    done = check(run, x[:5], tmp_path, with_preprocessing=True)
    assert (done.input_dtype, done.input_shape) == (dtype, (4,))


def test_regression(tmp_path):
    x = table().astype(np.float32)
    run = zoo.train("mlp", (x, x[:, :2] * 3), epochs=1, progress=False)
    assert check(run, x[:5], tmp_path).difference < 1e-5


def test_multilabel(tmp_path):
    """Its labels are named where they are likely, from either."""
    x = table().astype(np.float32)
    y = (np.random.default_rng(1).random((40, 3)) < 0.9).astype(np.int64)
    run = zoo.train("mlp", (x, y), epochs=8, lr=0.05, progress=False)
    check(run, x[:5], tmp_path)


@pytest.mark.parametrize(
    ("model", "settings"),
    [
        ("vision/resnet18", {"model.width": 8, "precision": "bf16"}),
        ("timm/test_vit", {}),
        ("timm/test_efficientnet", {}),
    ],
)
def test_image_models(tmp_path, model, settings):
    """Batch norm, dropout, attention; trained in bfloat16, too."""
    pixels = np.random.default_rng(0).integers(0, 256, (24, 3, 32, 32)).astype(np.uint8)
    data = (pixels, np.arange(24) % 3)
    run = zoo.train(model, data, epochs=1, batch_size=12, progress=False, set=settings)
    done = check(run, pixels[:5], tmp_path, with_preprocessing=True)
    assert done.difference <= 1e-4
    assert done.samples == "8 made-up samples and 3 images of other sizes"
