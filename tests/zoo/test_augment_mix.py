"""Mixup and cutmix: samples and targets by the same share."""

import math

import pytest
import torch

from zoo.augment import Augment, soft
from zoo.errors import InvalidOption

SIZE = (12, 10)
PIXELS = math.prod(SIZE)


def ones_and_zeros(count, size=SIZE):
    """Samples of ones with partners of zeros: what is left of a sample can be read off."""
    ones = torch.ones(count, 3, *size)
    own = soft(torch.zeros(count, dtype=torch.long), 2, torch.float32)
    return ones, own, torch.zeros_like(ones), own.flip(1)


def mixed(augment, count, epoch=0):
    return augment.mixed(*ones_and_zeros(count), torch.arange(count), 0, epoch)


def test_class_numbers_become_probabilities():
    """One 1 a row, in the dtype asked for, from labels of any whole dtype."""
    for dtype in (torch.int64, torch.uint8):
        found = soft(torch.tensor([2, 0], dtype=dtype), 3, torch.float16)
        assert found.dtype == torch.float16
        assert found.tolist() == [[0, 0, 1], [1, 0, 0]]


def test_mixup_averages_samples_and_targets_alike():
    """The share that a sample keeps is the share of its class, and one for all its pixels."""
    samples, targets = mixed(Augment(mixup=0.4), 500)
    kept = targets[:, 0]
    assert torch.equal(samples, kept[:, None, None, None].expand_as(samples))
    torch.testing.assert_close(targets.sum(1), torch.ones(500))
    assert len(kept.unique()) > 450
    assert kept.min() < 0.05
    assert kept.max() > 0.95


def test_mixup_keeps_what_both_have():
    """`share * own + (1 - share) * other`, on tables too."""
    own, other = torch.randn(20, 5), torch.randn(20, 5)
    targets = soft(torch.arange(20) % 3, 3, torch.float32)
    found, soft_targets = Augment(mixup=1.0).mixed(
        own, targets, other, targets.roll(1, 0), torch.arange(20), 5, 1
    )
    share = torch.where(targets == 1, soft_targets, 0).sum(1, keepdim=True)
    torch.testing.assert_close(found, own * share + other * (1 - share))


def test_cutmix_pastes_a_box_and_counts_its_pixels():
    """Targets follow the area that was covered after cutting at the border, not the draw."""
    samples, targets = mixed(Augment(cutmix=1.0), 3000)
    assert set(samples.unique().tolist()) == {0, 1}
    gone = samples[:, 0] == 0
    assert torch.equal(samples[:, 1] == 0, gone)
    box = gone.any(2)[:, :, None] & gone.any(1)[:, None, :]
    assert torch.equal(gone, box)
    covered = gone.sum((1, 2)).double() / PIXELS
    torch.testing.assert_close(targets[:, 1].double(), covered, atol=1e-6, rtol=0)
    assert covered.min() == 0
    assert covered.max() > 0.6


def test_cutmix_covers_what_the_published_method_covers():
    """On average as many pixels as a plain loop with its own numbers covers, per pixel."""
    gone = mixed(Augment(cutmix=1.0), 8000)[0][:, 0] == 0
    generator = torch.Generator().manual_seed(0)
    often = torch.zeros(SIZE)
    for _ in range(8000):
        kept, row, column = torch.rand(3, generator=generator).tolist()
        half = [int(length * math.sqrt(1 - kept) / 2) for length in SIZE]
        centre = (int(row * SIZE[0]), int(column * SIZE[1]))
        top, left = (max(0, c - h) for c, h in zip(centre, half, strict=True))
        often[top : centre[0] + half[0], left : centre[1] + half[1]] += 1 / 8000
    torch.testing.assert_close(gone.float().mean(0), often, atol=0.035, rtol=0)


def test_with_both_each_sample_draws_one():
    """Half are blended, half are pasted, none is both."""
    samples, targets = mixed(Augment(mixup=1.0, cutmix=1.0), 4000)
    lowest, highest = samples.amin((1, 2, 3)), samples.amax((1, 2, 3))
    blended = (lowest == highest) & (lowest > 0) & (lowest < 1)
    pasted = (lowest == 0) & (highest == 1)
    whole = (lowest == 1) & (highest == 1)  # a box of no pixels
    assert (blended | pasted | whole).all()
    assert blended.double().mean().item() == pytest.approx(0.5, abs=0.04)
    torch.testing.assert_close(samples.mean((1, 2, 3)), targets[:, 0], atol=1e-5, rtol=0)


def test_both_give_each_its_own_alpha():
    """Blends of alpha 10 lie around a half, whatever cutmix's alpha."""
    samples, _ = mixed(Augment(mixup=10.0, cutmix=0.1), 2000)
    shares = samples.amax((1, 2, 3))
    blended = shares[shares < 1]
    assert (blended - 0.5).abs().mean() < 0.12


def test_partners_come_from_the_whole_dataset():
    """Each as likely as any other, whoever asks; another one each epoch."""
    augment = Augment(mixup=0.2)
    count, num_samples = 50_000, 25
    partners = augment.partners(torch.arange(count), 0, 0, num_samples)
    counts = torch.bincount(partners, minlength=num_samples)
    assert len(counts) == num_samples
    assert ((counts - count / num_samples).abs() < 5 * math.sqrt(count / num_samples)).all()
    later = augment.partners(torch.arange(count), 0, 1, num_samples)
    assert (partners == later).double().mean().item() == pytest.approx(1 / 25, abs=0.005)


def test_without_mixing_there_are_no_partners():
    """Nothing more is read, and the pair comes back as it is."""
    augment = Augment(crop=2, erase=0.5)
    assert augment.partners(torch.arange(3), 0, 0, 10) is None
    samples, targets, *others = ones_and_zeros(3)
    found = augment.mixed(samples, targets, *others, torch.arange(3), 0, 0)
    assert found[0] is samples
    assert found[1] is targets


def test_whole_numbers_are_not_averaged():
    """The words of a text have nothing in between."""
    words = torch.ones(2, 5, dtype=torch.long)
    targets = soft(torch.tensor([0, 1]), 2, torch.float32)
    with pytest.raises(InvalidOption, match="mixup can't average int64 samples"):
        Augment(mixup=0.2).mixed(words, targets, words, targets, torch.arange(2), 0, 0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_dtype_and_layout_stay(dtype):
    """Of samples and of targets, each its own."""
    given = [part.to(dtype) for part in ones_and_zeros(6)]
    given[0] = given[0].contiguous(memory_format=torch.channels_last)
    for augment in (Augment(mixup=1.0), Augment(cutmix=1.0), Augment(mixup=1.0, cutmix=1.0)):
        samples, targets = augment.mixed(*given, torch.arange(6), 0, 0)
        assert samples.dtype == targets.dtype == dtype
        assert samples.is_contiguous(memory_format=torch.channels_last)
        assert (given[0] == 1).all(), "the samples given are not written into"
