"""`folder:PATH`: layouts, sizes, held-out images, and every folder that can't be trained on."""

import os
import pickle

import numpy as np
import pytest
import torch
from PIL import Image

from zoo import home
from zoo.data import cached
from zoo_registry import BadSample, InvalidData, InvalidOption
from zoo_vision.folder import folder


def draw(path, size=(8, 8), mode="RGB"):
    """Write an image file of noise, (rows, columns)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (*size, 3) if mode == "RGB" else size
    pixels = np.random.default_rng(len(str(path))).integers(0, 256, shape, np.uint8)
    Image.fromarray(pixels).save(path)


def classes(root, counts, **options):
    """Write `counts` images for each class."""
    for name, count in counts.items():
        for index in range(count):
            draw(root / name / f"{index:03}.png", **options)
    return root


def read(root, **options):
    return folder(root, str(root), **options)


def names(split):
    return {str(path) for path in split.files}


class TestLayouts:
    """With or without a test part of its own."""

    @pytest.mark.parametrize("part", ["test", "val", "valid", "validation"])
    def test_its_own_test_part_is_used(self, tmp_path, part):
        classes(tmp_path / "train", {"a": 3, "b": 4})
        classes(tmp_path / part, {"a": 2, "b": 1})
        splits = read(tmp_path)
        assert (len(splits.train), len(splits.test)) == (7, 3)
        assert splits.classes == ("a", "b")
        assert splits.train.labels.tolist() == [0, 0, 0, 1, 1, 1, 1]

    @pytest.mark.parametrize("base", ["", "train"])
    def test_without_one_the_same_share_of_every_class_is_held_out(self, tmp_path, base):
        classes(tmp_path / base, {"a": 10, "b": 20, "c": 5})
        splits = read(tmp_path)
        assert splits.test.labels.bincount().tolist() == [2, 4, 1]
        assert splits.train.labels.bincount().tolist() == [8, 16, 4]
        assert not names(splits.train) & names(splits.test)

    def test_the_draw_depends_on_its_seed_only(self, tmp_path):
        classes(tmp_path, {"a": 20, "b": 20})
        first, again, other = (names(read(tmp_path, split_seed=s).test) for s in (0, 0, 1))
        assert first == again != other

    def test_none_is_held_out_where_none_shall_be(self, tmp_path):
        classes(tmp_path, {"a": 2, "b": 2})
        assert read(tmp_path, test_fraction=0.0).test is None

    def test_deeper_files_count_and_hidden_and_other_ones_do_not(self, tmp_path):
        classes(tmp_path, {"a": 3, "b": 3})
        draw(tmp_path / "a" / "deep" / "er" / "x.PNG")
        draw(tmp_path / "a" / ".hidden.png")
        draw(tmp_path / ".git" / "x.png")
        (tmp_path / "b" / "notes.txt").write_text("no image")
        splits = read(tmp_path, test_fraction=0.0)
        assert splits.train.labels.bincount().tolist() == [4, 3]


class TestImages:
    """What a sample is."""

    def test_the_images_own_size_where_they_agree(self, tmp_path):
        classes(tmp_path, {"a": 2, "b": 2}, size=(6, 9))
        sample, label = read(tmp_path).train[0]
        assert (sample.shape, sample.dtype, label) == ((3, 6, 9), torch.uint8, 0)

    def test_squares_of_the_median_side_where_they_differ(self, tmp_path):
        for index, size in enumerate([(10, 20), (12, 12), (30, 14)]):
            draw(tmp_path / "a" / f"{index}.png", size)
            draw(tmp_path / "b" / f"{index}.png", size)
        assert read(tmp_path, test_fraction=0.0).train[0][0].shape == (3, 12, 12)
        assert read(tmp_path, image_size=7).train[0][0].shape == (3, 7, 7)

    def test_big_ones_are_made_smaller(self, tmp_path):
        classes(tmp_path, {"a": 2}, size=(400, 300))
        classes(tmp_path, {"b": 2}, size=(300, 400))
        assert read(tmp_path).train[0][0].shape == (3, 224, 224)

    def test_grey_only_where_all_are(self, tmp_path):
        classes(tmp_path, {"a": 3, "b": 3}, mode="L")
        assert read(tmp_path).train[0][0].shape[0] == 1
        assert read(tmp_path).mean == (0.5,)
        draw(tmp_path / "b" / "colour.png")
        assert read(tmp_path).train[0][0].shape[0] == 3
        assert read(tmp_path, channels=1).train[0][0].shape[0] == 1

    def test_workers_can_have_it(self, tmp_path):
        classes(tmp_path, {"a": 2, "b": 2})
        split = read(tmp_path).train
        copy = pickle.loads(pickle.dumps(split))
        assert torch.equal(copy[1][0], split[1][0])


class TestCache:
    """Decoded once, and again when a file changes."""

    def test_the_cache_holds_what_the_files_hold(self, tmp_path):
        classes(tmp_path, {"a": 70, "b": 80})
        split = read(tmp_path).train
        found = cached(split, note=pytest.fail)
        assert torch.equal(found.samples, torch.stack([image for image, _ in split]))
        assert torch.equal(found.labels, split.labels)

    @pytest.mark.parametrize("change", ["content", "time", "name", "one more", "one less"])
    def test_any_change_to_a_file_is_another_key(self, tmp_path, change):
        classes(tmp_path, {"a": 3, "b": 3})
        read_all = {"image_size": 8, "test_fraction": 0.0}
        key = read(tmp_path, **read_all).train.cache_key()
        assert read(tmp_path, **read_all).train.cache_key() == key
        file = tmp_path / "a" / "001.png"
        facts = file.stat()
        if change == "content":  # of another size, at the same time
            draw(file, (9, 9))
            os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns))
        elif change == "time":
            os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns + 1))
        elif change == "name":
            file.rename(file.with_name("003.png"))
        elif change == "one more":
            draw(tmp_path / "b" / "003.png")
        else:
            file.unlink()
        assert read(tmp_path, **read_all).train.cache_key() != key

    @pytest.mark.parametrize("options", [{"channels": 1}, {"image_size": 7}, {"split_seed": 1}])
    def test_another_reading_is_another_key(self, tmp_path, options):
        classes(tmp_path, {"a": 9, "b": 9})
        keys = [read(tmp_path, **o).train.cache_key() for o in ({}, options)]
        assert keys[0] != keys[1]

    def test_the_same_names_elsewhere_are_another_key(self, tmp_path, monkeypatch):
        keys = set()
        for name in ("one", "two"):
            classes(tmp_path / name, {"a": 3, "b": 3})
            for file in (tmp_path / name).rglob("*.png"):
                os.utime(file, (1, 1))
            monkeypatch.chdir(tmp_path / name)
            keys.add(folder(tmp_path, ".").train.cache_key())
        assert len(keys) == 2

    def test_a_changed_image_is_decoded_anew(self, tmp_path):
        root = classes(tmp_path / "images", {"a": 3, "b": 3})
        before = cached(read(root, test_fraction=0.0).train, note=pytest.fail)
        Image.new("RGB", (8, 8), "white").save(root / "a" / "000.png")
        after = cached(read(root, test_fraction=0.0).train, note=pytest.fail)
        assert int(after.samples[0].min()) == 255
        assert torch.equal(after.samples[1:], before.samples[1:])

    def test_a_corrupt_image_is_named_and_nothing_is_kept(self, tmp_path):
        classes(tmp_path, {"a": 90, "b": 90})
        (tmp_path / "b" / "077.png").write_bytes(b"broken")
        split = read(tmp_path, test_fraction=0.0).train
        with pytest.raises(BadSample, match=r"077\.png.*--skip-bad-samples"):
            cached(split, note=pytest.fail)
        assert list((home.home() / "cache").iterdir()) == []

    def test_a_file_that_is_gone_is_named(self, tmp_path):
        classes(tmp_path, {"a": 4, "b": 4})
        split = read(tmp_path, test_fraction=0.0).train
        (tmp_path / "b" / "001.png").unlink()
        with pytest.raises(BadSample, match=r"001\.png.*No such file"):
            split.cache_key()


class TestBadInput:
    """Said in a line, with what to do."""

    @pytest.mark.parametrize(
        ("counts", "text"),
        [
            ({}, "holds no images"),
            ({"a": 3}, "a single class, a"),
            ({"a": 3, "b": 0}, "no images of b"),
            ({"a": 1, "b": 5}, "class a has 1 images, too few"),
        ],
    )
    def test_folders_that_can_not_be_trained_on(self, tmp_path, counts, text):
        classes(tmp_path, counts)
        for name in counts:
            (tmp_path / name).mkdir(exist_ok=True)
        with pytest.raises(InvalidData, match=text):
            read(tmp_path)

    def test_images_without_sub_folders(self, tmp_path):
        draw(tmp_path / "x.png")
        with pytest.raises(InvalidData, match="no sub-folders"):
            read(tmp_path)

    def test_a_missing_folder_and_a_file(self, tmp_path):
        with pytest.raises(InvalidData, match="no folder"):
            read(tmp_path / "none")
        (tmp_path / "file").touch()
        with pytest.raises(InvalidData, match="is a file"):
            read(tmp_path / "file")

    def test_test_classes_that_training_lacks(self, tmp_path):
        classes(tmp_path / "train", {"a": 2, "b": 2})
        classes(tmp_path / "test", {"a": 1, "z": 1})
        with pytest.raises(InvalidData, match="lack: z; those are a, b"):
            read(tmp_path)

    @pytest.mark.parametrize("options", [{"test_fraction": 1.0}, {"image_size": 0}])
    def test_options_out_of_range(self, tmp_path, options):
        classes(tmp_path, {"a": 2, "b": 2})
        with pytest.raises(InvalidOption, match=next(iter(options))):
            read(tmp_path, **options)

    def test_a_corrupt_image_is_named_when_it_is_read(self, tmp_path):
        classes(tmp_path, {"a": 4, "b": 4})
        (tmp_path / "a" / "000.png").write_bytes(b"broken")
        split = read(tmp_path, test_fraction=0.0).train
        with pytest.raises(BadSample, match=r"000\.png.*--skip-bad-samples"):
            split[0]

    def test_corrupt_images_are_left_out_on_request(self, tmp_path):
        classes(tmp_path, {"a": 4, "b": 4})
        whole = (tmp_path / "a" / "000.png").read_bytes()
        (tmp_path / "a" / "000.png").write_bytes(whole[: len(whole) // 2])
        (tmp_path / "b" / "001.png").write_bytes(b"")
        with pytest.warns(UserWarning, match="left out 2 files.*000.png"):
            splits = read(tmp_path, test_fraction=0.0, skip_bad_samples=True)
        assert len(splits.train) == 6
        assert all(splits.train[index][0].shape == (3, 8, 8) for index in range(6))

    def test_a_class_of_corrupt_images_only(self, tmp_path):
        classes(tmp_path, {"a": 4})
        (tmp_path / "b").mkdir()
        (tmp_path / "b" / "x.png").write_bytes(b"")
        with (
            pytest.warns(UserWarning, match="left out 1 file"),
            pytest.raises(InvalidData, match="none of the training images of b"),
        ):
            read(tmp_path, skip_bad_samples=True)
