"""Image folders as people have them: odd names, links, turned cameras, and worker processes."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch.utils.data import DataLoader

from zoo_registry import InvalidData
from zoo_vision._layout import EXTENSIONS
from zoo_vision.folder import folder, hold_out


def paint(path, colour="red", size=(8, 6), **options):
    """Write an image of one colour, (columns, rows)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(options.pop("mode", "RGB"), size, colour).save(path, **options)


def files(split, root):
    """The paths of a split's files below the folder."""
    return [path.relative_to(root).as_posix() for path in split.files]


def test_a_class_may_be_called_train(tmp_path):
    """Only a `train` with sub-folders is a split; one with images is a class of railways."""
    for name in ("boat", "train"):
        for index in range(3):
            paint(tmp_path / name / f"{index}.png")
    assert folder(tmp_path, str(tmp_path)).classes == ("boat", "train")


def test_the_first_of_several_held_out_parts_is_the_test(tmp_path):
    """`test` goes before `val`, which is then left alone."""
    for part in ("train", "test", "val"):
        for name in "ab":
            paint(tmp_path / part / name / f"{part}.png")
    splits = folder(tmp_path, str(tmp_path))
    assert files(splits.test, tmp_path) == ["test/a/test.png", "test/b/test.png"]


def test_a_test_part_may_lack_classes(tmp_path):
    """Labels are those of the training classes all the same."""
    for name in "abc":
        paint(tmp_path / "train" / name / "0.png")
    paint(tmp_path / "test" / "c" / "0.png")
    assert folder(tmp_path, str(tmp_path)).test.labels.tolist() == [2]


def test_a_test_part_without_images_is_refused(tmp_path):
    """Evaluating on nothing is no evaluation."""
    for name in "ab":
        paint(tmp_path / "train" / name / "0.png")
        (tmp_path / "test" / name).mkdir(parents=True)
    with pytest.raises(InvalidData, match="test holds no images"):
        folder(tmp_path, str(tmp_path))


def test_the_order_is_that_of_the_names(tmp_path):
    """Whatever order the disk lists them in, with capitals and sub-folders."""
    names = ["b/2.png", "a/deep/1.png", "a/z.png", "b/10.JPG", "a/Z.jpeg"]
    for name in names:
        paint(tmp_path / name)
    found = files(folder(tmp_path, str(tmp_path), test_fraction=0.0).train, tmp_path)
    assert found == sorted(names)


@pytest.mark.parametrize("extension", sorted(EXTENSIONS))
def test_every_extension_is_a_format_that_is_read(tmp_path, extension):
    """What is looked for can be decoded."""
    formats = Image.registered_extensions()
    paint(tmp_path / "a" / f"0{extension}", mode="1", colour=1, format=formats[extension])
    paint(tmp_path / "b" / f"0{extension.upper()}", mode="1", colour=1, format=formats[extension])
    split = folder(tmp_path, str(tmp_path), test_fraction=0.0).train
    assert [tuple(image.shape[1:]) for image, _ in split] == [(6, 8), (6, 8)]
    assert all(image.min() > 250 for image, _ in split)


def test_linked_classes_are_followed(tmp_path):
    """A data set put together of links to folders is read as any other."""
    for name in "ab":
        paint(tmp_path / "store" / name / "0.png")
    (tmp_path / "linked" / "b").mkdir(parents=True)
    try:
        (tmp_path / "linked" / "a").symlink_to(tmp_path / "store" / "a")
        (tmp_path / "linked" / "b" / "deeper").symlink_to(tmp_path / "store" / "b")
    except OSError:
        pytest.skip("this account may not make links")
    splits = folder(tmp_path, str(tmp_path / "linked"), test_fraction=0.0)
    assert files(splits.train, tmp_path / "linked") == ["a/0.png", "b/deeper/0.png"]


def test_a_turned_camera_turns_the_size_too(tmp_path):
    """Sizes agree when they agree upright; the sample has the upright shape."""
    turned = Image.Exif()
    turned[0x0112] = 6
    paint(tmp_path / "a" / "0.jpg", size=(8, 6), exif=turned)
    paint(tmp_path / "b" / "0.jpg", size=(6, 8))
    split = folder(tmp_path, str(tmp_path), test_fraction=0.0).train
    assert [tuple(image.shape) for image, _ in split] == [(3, 8, 6), (3, 8, 6)]


def test_a_damaged_file_does_not_decide_the_size(tmp_path):
    """Headers that can't be read are left out of the choice, for their time to be named."""
    for name in "ab":
        paint(tmp_path / name / "1.png")
    (tmp_path / "a" / "0.png").write_bytes(b"not an image")
    split = folder(tmp_path, str(tmp_path), test_fraction=0.0).train
    assert split[1][0].shape == (3, 6, 8)


def test_workers_read_the_same_samples(tmp_path):
    """In processes of their own, in order."""
    for index, name in enumerate("abc"):
        paint(tmp_path / name / "0.png", colour=(80 * index, 0, 0))
    split = folder(tmp_path, str(tmp_path), test_fraction=0.0).train
    loader = DataLoader(split, batch_size=2, num_workers=1)
    samples, labels = (torch.cat(parts) for parts in zip(*loader, strict=True))
    assert labels.tolist() == [0, 1, 2]
    assert samples[:, 0, 0, 0].tolist() == [0, 80, 160]


def test_normalisation_suits_the_channels(tmp_path):
    """One value per channel, grey or colour."""
    for name in "ab":
        paint(tmp_path / name / "0.png")
    for channels in (1, 3):
        splits = folder(tmp_path, str(tmp_path), channels=channels, test_fraction=0.0)
        assert len(splits.mean) == len(splits.std) == channels


COUNTS = st.dictionaries(st.sampled_from("abcdef"), st.integers(2, 40), min_size=2)
FRACTIONS = st.floats(0.01, 0.5)
SEEDS = st.integers(0, 2**32)


@given(counts=COUNTS, fraction=FRACTIONS, seed=SEEDS)
def test_holding_out_divides_every_class(counts, fraction, seed):
    """Each file goes to one side, both keep their order, and each class has its share."""
    whole = {name: [f"{name}{index:02}" for index in range(n)] for name, n in counts.items()}
    train, test = hold_out(whole, fraction, seed)
    for name, members in whole.items():
        assert sorted([*train[name], *test[name]]) == members
        assert train[name] == sorted(train[name])
        assert test[name] == sorted(test[name])
        assert len(train[name]) >= 1
        assert len(test[name]) == max(1, round(fraction * len(members)))


@settings(max_examples=30)
@given(counts=COUNTS, fraction=FRACTIONS, seed=SEEDS)
def test_new_images_of_one_class_leave_the_others_where_they_are(counts, fraction, seed):
    """So that runs before and after stay comparable on what is old."""
    whole = {name: list(range(n)) for name, n in counts.items()}
    grown = {**whole, min(whole): list(range(100))}
    before, after = hold_out(whole, fraction, seed)[1], hold_out(grown, fraction, seed)[1]
    assert all(before[name] == after[name] for name in whole if name != min(whole))
