"""The dataset `digits`: whole, real, split fairly, and the same on any machine."""

import hashlib
import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits

from zoo_vision import digits as package
from zoo_vision.digits import digits, enlarge

FOLDER = Path(package.__file__).parent
PER_CLASS = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
"""As UCI counts the samples of its test file, 0 to 9."""


@pytest.fixture(scope="module")
def splits():
    return digits(Path("no-such-folder"))


@pytest.fixture(scope="module")
def maker():
    """The script beside the data, which is no part of the running package."""
    spec = importlib.util.spec_from_file_location("make_digits", FOLDER / "make_digits.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_digits_are_images_with_whole_labels(splits):
    """uint8 (N, 1, 28, 28) with int64 (N,), named 0 to 9; no file under root is needed."""
    for split, num_samples in ((splits.train, 1438), (splits.test, 359)):
        samples, labels = split.batch(torch.arange(len(split)))
        assert (samples.shape, samples.dtype) == ((num_samples, 1, 28, 28), torch.uint8)
        assert (labels.shape, labels.dtype) == ((num_samples,), torch.int64)
    assert splits.classes == tuple("0123456789")


def test_every_digit_is_there_once(splits):
    """1,797 in all, by class as published, and no image of the test split among the others."""
    labels = torch.cat([splits.train.labels, splits.test.labels])
    assert torch.bincount(labels).tolist() == PER_CLASS
    train, test = (
        {image.numpy().tobytes() for image in split.samples}
        for split in (splits.train, splits.test)
    )
    assert not train & test


def test_the_split_is_stratified(splits):
    """A fifth of each class is held out, to the nearest image."""
    held_out = torch.bincount(splits.test.labels).tolist()
    assert held_out == [round(0.2 * number) for number in PER_CLASS]


def test_mean_and_deviation_are_those_of_the_training_split(splits):
    """The constants in the code are measured ones."""
    pixels = splits.train.samples.double() / 255
    assert splits.mean == (pytest.approx(pixels.mean().item(), abs=5e-5),)
    assert splits.std == (pytest.approx(pixels.std().item(), abs=5e-5),)


def test_the_file_is_what_the_script_makes_of_scikit_learns_copy(maker):
    """Nobody has touched the data: the script gives the arrays in the package."""
    source = load_digits()
    images, labels = maker.read_source()
    assert np.array_equal(images, source.images)
    assert np.array_equal(labels, source.target)
    with np.load(FOLDER / "digits.npz", allow_pickle=False) as stored:
        assert np.array_equal(stored["images"], images)
        assert np.array_equal(stored["labels"], labels)
        assert np.array_equal(stored["is_test"], maker.draw_test(labels))


def test_the_script_writes_the_same_bytes_each_time(maker, tmp_path, monkeypatch):
    """So that a change of the file is a change of the data."""
    written = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        monkeypatch.setattr(maker, "__file__", str(tmp_path / name / "make_digits.py"))
        maker.main()
        written.append((tmp_path / name / "digits.npz").read_bytes())
    assert written[0] == written[1]


def test_the_data_are_small_and_carry_their_attribution():
    """Below 100 kB in the package, beside the licence's text and the authors' names."""
    assert (FOLDER / "digits.npz").stat().st_size < 100_000
    said = (FOLDER / "LICENSE-DATA").read_text(encoding="utf-8")
    for wanted in ("Alpaydin", "Kaynak", "UCI", "CC BY 4.0", "What was changed"):
        assert wanted in said


def test_scaling_agrees_with_pillows_bicubic():
    """An independent implementation of the same kernel gives nearly the same pixels."""
    images = np.random.default_rng(0).integers(0, 17, (20, 8, 8), dtype=np.uint8)
    for image, ours in zip(images, enlarge(images), strict=True):
        exact = Image.fromarray(image.astype(np.float32) * (255 / 16))
        reference = np.asarray(exact.resize((28, 28), Image.Resampling.BICUBIC))
        # Pillow leaves out what lies beyond the edge, where ours goes on as at the edge.
        inner = (slice(6, 22), slice(6, 22))
        np.testing.assert_allclose(ours[inner], reference[inner].clip(0, 255), atol=1.0)


def test_scaling_keeps_flat_images_and_their_range():
    """Black stays 0, full ink becomes 255, and so does everything between."""
    for value in range(17):
        flat = enlarge(np.full((1, 8, 8), value, dtype=np.uint8))
        assert set(flat.flatten().tolist()) == {round(255 * value / 16)}


def test_scaling_commutes_with_mirroring():
    """No side of an image is treated otherwise than the opposite one."""
    images = np.random.default_rng(1).integers(0, 17, (50, 8, 8), dtype=np.uint8)
    for mirror in (lambda x: x[:, ::-1], lambda x: x[:, :, ::-1], lambda x: x.transpose(0, 2, 1)):
        assert np.array_equal(enlarge(mirror(images)), mirror(enlarge(images)))


def test_the_pixels_are_the_same_on_any_machine(splits):
    """Whole-number arithmetic: a fingerprint of the data holds wherever it is computed."""
    pixels = torch.cat([splits.train.samples, splits.test.samples]).numpy().tobytes()
    assert hashlib.sha256(pixels).hexdigest()[:16] == "29175a1bc9613671"
