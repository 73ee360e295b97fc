"""Augmentation as a whole: its options, what it refuses, and that batches don't matter."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.augment import Augment, soft
from zoo.errors import InvalidOption
from zoo_registry import Option, read_signature

OPTIONS = {
    "crop": st.sampled_from([0, 1, 2]),
    "flip": st.sampled_from([False, True, "alternating"]),
    "brightness": st.sampled_from([0.0, 0.4]),
    "contrast": st.sampled_from([0.0, 0.4]),
    "saturation": st.sampled_from([0.0, 0.4]),
    "erase": st.sampled_from([0.0, 0.5]),
    "mixup": st.sampled_from([0.0, 0.3]),
    "cutmix": st.sampled_from([0.0, 1.0]),
}
ALL = {
    "crop": 2,
    "flip": True,
    "brightness": 0.4,
    "contrast": 0.4,
    "saturation": 0.4,
    "erase": 0.5,
    "mixup": 0.3,
    "cutmix": 1.0,
}
PAGE = Path(__file__).parents[2] / "docs" / "augmentation.md"


class Data:
    """A dataset of random images in memory."""

    def __init__(self, count, size=(6, 5), *, floats=False, seed=0):
        generator = torch.Generator().manual_seed(seed)
        self.samples = torch.randint(
            0, 256, (count, 3, *size), dtype=torch.uint8, generator=generator
        )
        if floats:
            self.samples = self.samples / 255
        self.labels = torch.randint(0, 4, (count,), generator=generator)

    def fed(self, augment, indices, seed=0, epoch=0):
        """What a training is fed for these samples: augmented, normalised, mixed."""
        samples, targets = self._prepared(augment, indices, seed, epoch)
        partners = augment.partners(indices, seed, epoch, len(self.samples))
        if partners is None:
            return samples, targets
        theirs = self._prepared(augment, partners, seed, epoch)
        return augment.mixed(samples, targets, *theirs, indices, seed, epoch)

    def _prepared(self, augment, indices, seed, epoch):
        samples = augment.raw(self.samples[indices], indices, seed, epoch)
        samples = (samples.float() - 100) / 50
        targets = soft(self.labels[indices], 4, torch.float32)
        return augment.erased(samples, indices, seed, epoch), targets


@given(st.fixed_dictionaries(OPTIONS), st.booleans(), st.data())
@settings(max_examples=40)
def test_what_a_sample_gets_does_not_depend_on_its_batch(options, floats, data):
    """Any order and any division into batches give the same bytes, with any options."""
    augment, dataset = Augment(**options), Data(12, floats=floats)
    seed, epoch = data.draw(st.integers(0, 2**63 - 1)), data.draw(st.integers(0, 1000))
    order = torch.tensor(data.draw(st.permutations(range(12))))
    cuts = sorted(data.draw(st.sets(st.integers(1, 11))))
    whole = dataset.fed(augment, torch.arange(12), seed, epoch)
    batches = order.tensor_split(cuts)
    parts = [dataset.fed(augment, batch, seed, epoch) for batch in batches]
    for tensor, pieces in zip(whole, zip(*parts, strict=True), strict=True):
        assert torch.equal(torch.cat(pieces), tensor[order])


@pytest.fixture(params=[1, 2])
def threads(request):
    """Torch's number of threads, which decides how it divides its sums."""
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_large_batches_are_the_same_as_small_ones(threads):
    """Beyond the size from which a CPU works in parts."""
    augment, dataset = Augment(**ALL), Data(400, (32, 32))
    whole = dataset.fed(augment, torch.arange(400))
    for batch in (torch.tensor([0]), torch.tensor([399, 341, 340]), torch.arange(330, 350)):
        for tensor, part in zip(whole, dataset.fed(augment, batch), strict=True):
            assert torch.equal(tensor[batch], part)


def test_one_large_image_is_the_same_alone_and_in_company(threads):
    """Torch sums the floats of one image in another order than those of several."""
    dataset, augment = Data(6, (224, 224), floats=True), Augment(contrast=0.9)
    whole = augment.raw(dataset.samples, torch.arange(6), 0, 0)
    for place in range(6):
        index = torch.tensor([place])
        assert torch.equal(augment.raw(dataset.samples[index], index, 0, 0)[0], whole[place])


@given(st.integers(0, 2**63 - 1), st.integers(0, 1000))
@settings(max_examples=20)
def test_seed_and_epoch_change_what_a_sample_gets(seed, epoch):
    """The same again for the same, something else for the next."""
    augment, dataset, indices = Augment(**ALL), Data(12), torch.arange(12)
    first = dataset.fed(augment, indices, seed, epoch)
    again = dataset.fed(augment, indices, seed, epoch)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    for other in ((seed + 1, epoch), (seed, epoch + 1)):
        assert not torch.equal(dataset.fed(augment, indices, *other)[0], first[0])


def test_an_empty_batch_stays_empty():
    """What a rank without a sample feeds."""
    none = torch.arange(0)
    samples, targets = Data(3).fed(Augment(**ALL), none)
    assert samples.shape == (0, 3, 6, 5)
    assert targets.shape == (0, 4)


def test_what_is_off_copies_nothing():
    """The very tensors come back, of whatever kind they are."""
    augment, rows, indices = Augment(), torch.ones(3, 7, dtype=torch.long), torch.arange(3)
    assert augment.raw(rows, indices, 0, 0) is rows
    assert augment.erased(rows, indices, 0, 0) is rows
    assert not any((augment.is_on, augment.mixes, augment.needs_images))


@pytest.mark.parametrize(
    ("options", "is_on", "needs_images", "mixes"),
    [
        *(({name: ALL[name]}, True, True, False) for name in list(ALL)[:6]),
        ({"mixup": 0.2}, True, False, True),
        ({"cutmix": 0.2}, True, True, True),
        ({"flip": "alternating"}, True, True, False),
        ({"transform": "math:sqrt"}, True, False, False),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_options_tell_what_they_need(options, is_on, needs_images, mixes):
    """The caller asks these before it reads partners or takes tables."""
    augment = Augment(**options)
    assert (augment.is_on, augment.needs_images, augment.mixes) == (is_on, needs_images, mixes)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"crop": -1}, r"augment\.crop must be a whole number of pixels, 0 or more, not -1"),
        ({"crop": 1.5}, r"augment\.crop .* not 1\.5"),
        ({"crop": True}, r"augment\.crop .* not True"),
        ({"flip": "sometimes"}, r"augment\.flip must be true, false or 'alternating'"),
        ({"flip": 1}, r"augment\.flip .* not 1"),
        ({"brightness": -0.1}, r"augment\.brightness must be a number, 0 or more, not -0\.1"),
        ({"contrast": float("nan")}, r"augment\.contrast .* not nan"),
        ({"saturation": float("inf")}, r"augment\.saturation .* not inf"),
        ({"erase": 1.1}, r"augment\.erase must be a number, from 0 to 1, not 1\.1"),
        ({"mixup": "much"}, r"augment\.mixup must be a number, from 0 to 10, not 'much'"),
        ({"cutmix": True}, r"augment\.cutmix .* not True"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_values_out_of_range_are_refused(options, text):
    """Where the options are made, by name and with what would do."""
    with pytest.raises(InvalidOption, match=text):
        Augment(**options)


@pytest.mark.parametrize(
    ("options", "shape", "task", "text"),
    [
        ({"crop": 2, "erase": 0.1}, (8,), "classification", r"crop, augment\.erase: for images"),
        ({"cutmix": 1.0}, (8,), "classification", r"cutmix: for images \(C, H, W\).*\(8,\)"),
        ({"mixup": 0.2}, (8,), "regression", r"mixup: for classification only.*is regression"),
        ({"cutmix": 1.0}, (3, 8, 8), "multilabel", r"cutmix: for classification only"),
        ({"crop": 5}, (3, 9, 5), "classification", r"crop=5.* 9x5 images.*at most 4"),
        ({"saturation": 0.1}, (1, 8, 8), "classification", r"saturation: for images of 3"),
        ({"contrast": 0.1}, (4, 8, 8), "classification", r"contrast: for images of 1 or 3.*have 4"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_samples_that_don_t_fit_are_refused(options, shape, task, text):
    """Before the first step, with the option, the reason and what to do."""
    with pytest.raises(InvalidOption, match=text):
        Augment(**options).check(shape, task)


def test_floats_that_are_no_colours_are_refused():
    """Samples that were normalised already would be cut off at 0 and 1."""
    augment, colours = Augment(brightness=0.1), torch.rand(4, 3, 2, 2)
    augment.check((3, 2, 2), "classification", colours)
    with pytest.raises(InvalidOption, match=r"between -?\d.* floats must be from 0 to 1"):
        augment.check((3, 2, 2), "classification", colours * 4 - 2)
    with pytest.raises(InvalidOption, match="between nan and nan"):
        augment.check((3, 2, 2), "classification", colours * float("nan"))


@pytest.mark.parametrize(
    ("options", "shape", "task"),
    [
        (ALL, (3, 8, 8), "classification"),
        ({"crop": 4, "contrast": 0.2, "erase": 0.2}, (1, 5, 5), "multilabel"),
        ({"flip": True, "brightness": 0.1}, (12, 5, 5), "regression"),
        ({"mixup": 0.2}, (8,), "classification"),
        ({}, (), "regression"),
        ({"transform": "math:sqrt"}, (8,), "regression"),
    ],
    ids=str,
)
def test_samples_that_fit_pass(options, shape, task):
    """Nothing is refused that could be done."""
    assert Augment(**options).check(shape, task, torch.zeros(2, *shape)) is None


class TestTransform:
    """A transform of single samples, named by its address."""

    def test_there_is_none_unless_named(self):
        assert Augment().sample_transform() is None

    def test_a_function_an_object_or_a_class_is_taken(self, write_package):
        """A class is made without arguments."""
        name = write_package(
            mine="""
            class Doubled:
                def __call__(self, sample):
                    return sample * 2

            doubled = Doubled()

            def function(sample):
                return sample * 2
            """
        )
        for attribute in ("Doubled", "doubled", "function"):
            transform = Augment(transform=f"{name}.mine:{attribute}").sample_transform()
            assert transform(torch.tensor(3)) == 6

    def test_torchvisions_are_classes_too(self):
        """Its second version, without arguments."""
        address = "torchvision.transforms.v2:RandomHorizontalFlip"
        image = torch.rand(3, 4, 5)
        found = Augment(transform=address).sample_transform()(image)
        assert any(torch.equal(found, each) for each in (image, image.flip(-1)))

    @pytest.mark.parametrize(
        ("address", "text"),
        [
            ("no_such_module_at_all:train", "No module named.*write package.module:attribute"),
            ("math:no_such", "no attribute 'no_such'"),
            ("math", "write package.module:attribute"),
            ("torchvision.transforms.v2:RandomRotation", "can't be made without arguments"),
            ("math:pi", "is a float, which can't be called"),
        ],
    )
    def test_what_is_none_is_said(self, address, text):
        with pytest.raises(InvalidOption, match=rf"augment\.transform: .*{text}"):
            Augment(transform=address).sample_transform()


def test_the_options_are_read_without_importing_torch():
    """So that a slip in `--set augment.…` is answered at once."""
    program = (
        "import sys; from zoo_registry import read_signature;"
        "print(*(o.name for o in read_signature('zoo.augment:Augment').options));"
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, env=os.environ
    )
    assert done.stdout.split() == [*ALL, "transform"]


def test_the_options_have_types_and_defaults():
    """As `zoo info` and the recipe need them."""
    options = {option.name: option for option in read_signature("zoo.augment:Augment").options}
    assert options["crop"] == Option("crop", "int", 0)
    assert options["flip"] == Option("flip", "bool | Literal['alternating']", False)
    assert options["erase"] == Option("erase", "float", 0.0)
    assert options["transform"] == Option("transform", "str | None", None)


def test_every_option_is_explained():
    """In the page's table, with its default."""
    rows = re.findall(
        r"^\| `(\w+)` \| `([^`]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    options = read_signature("zoo.augment:Augment").options
    assert rows == [(o.name, str(o.default)) for o in options]


@pytest.mark.gpu
def test_a_gpu_moves_and_colours_alike():
    """The same bytes; what is blended as floats, to their last digits."""
    dataset, indices = Data(40, (32, 32)), torch.arange(40)
    augment = Augment(**ALL)
    here = augment.raw(dataset.samples, indices, 3, 4)
    assert torch.equal(here, augment.raw(dataset.samples.cuda(), indices.cuda(), 3, 4).cpu())
    floats = here.float()
    erased = augment.erased(floats.cuda(), indices.cuda(), 3, 4).cpu()
    assert torch.equal(augment.erased(floats, indices, 3, 4), erased)
    given = (floats, soft(dataset.labels, 4, torch.float32))
    given = (*given, *(part.flip(0) for part in given), indices)
    for a, b in zip(
        augment.mixed(*given, 3, 4),
        augment.mixed(*(part.cuda() for part in given), 3, 4),
        strict=True,
    ):
        torch.testing.assert_close(a, b.cpu())
