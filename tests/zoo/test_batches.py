"""Batches are shared among ranks, and prepared in groups, without changing what is in them."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import Dataset

from zoo.augment import Augment
from zoo.data import ArrayDataset, Augmentation, Batches, InputSpec, Prepare, _batches, class_counts
from zoo.data._batches import _GROUP_BYTES, _GROUP_SAMPLES

CPU = torch.device("cpu")


class Items(Dataset):
    """Arrays, one item at a time, whose labels nobody can see without reading them."""

    def __init__(self, samples, labels):
        self.pairs = list(zip(samples, labels, strict=True))

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, index):
        return self.pairs[index]


def numbered(count):
    """Images of one pixel row that names their index, uint8 (N, 1, 2, 2), and their index."""
    numbers = torch.arange(count)
    images = numbers.to(torch.uint8)[:, None, None, None].expand(count, 1, 2, 2).contiguous()
    return images, numbers


def batches_of(
    split,
    batch_size,
    *,
    rank=0,
    num_ranks=1,
    seed=3,
    augment=None,
    num_classes=0,
    shape=(1, 2, 2),
    device=CPU,
):
    prepare = Prepare(InputSpec(shape=shape, dtype="uint8"), device, torch.float32, torch.int64)
    return Batches(
        split,
        batch_size,
        prepare,
        workers=0,
        seed=seed,
        augmentation=Augmentation(augment, None, num_classes),
        rank=rank,
        num_ranks=num_ranks,
    )


@given(
    count=st.integers(1, 40),
    batch_size=st.integers(1, 12),
    num_ranks=st.integers(1, 4),
    whole=st.booleans(),
)
def test_ranks_share_each_batch(count, batch_size, num_ranks, whole):
    """Together they have its samples, once and in order; shares add up to 1."""
    split = (ArrayDataset if whole else Items)(*numbered(count))
    alone = list(batches_of(split, batch_size).epoch(1))
    ranks = [
        list(batches_of(split, batch_size, rank=rank, num_ranks=num_ranks).epoch(1))
        for rank in range(num_ranks)
    ]
    for step, batch in enumerate(alone):
        parts = [batches[step] for batches in ranks]
        assert torch.equal(torch.cat([part.samples for part in parts]), batch.samples)
        assert torch.equal(torch.cat([part.labels for part in parts]), batch.labels)
        assert abs(sum(part.share for part in parts) - 1) < 1e-9
        assert all(part.share == len(part.samples) / len(batch.samples) for part in parts)


def test_small_batches_are_prepared_together():
    """A group holds several of them; each still has its own samples."""
    split = ArrayDataset(*numbered(250))
    found = list(batches_of(split, 7).epoch(1))
    assert len(found) < _GROUP_SAMPLES // 7
    one_storage = {batch.samples.untyped_storage().data_ptr() for batch in found}
    assert len(one_storage) == 1
    for samples, labels, _ in found:
        assert torch.equal((samples[:, 0, 0, 0] * 255).round().long(), labels)


@given(
    batch_size=st.integers(1, 40),
    shape=st.tuples(st.integers(1, 4), st.integers(1, 160), st.integers(1, 160)),
)
def test_as_many_are_prepared_together_as_take_little_memory(batch_size, shape):
    """Of large images one batch: small batches are chosen where memory is short."""
    split = ArrayDataset(torch.zeros(60, *shape, dtype=torch.uint8), torch.arange(60))
    batches = list(batches_of(split, batch_size, shape=shape).epoch(1))
    one_batch = 4 * batch_size * math.prod(shape)
    groups = {
        b.samples.untyped_storage().data_ptr(): b.samples.untyped_storage().nbytes()
        for b in batches
    }
    assert all(held <= max(_GROUP_BYTES, one_batch) for held in groups.values())
    # One more batch would have been too much.
    assert len(groups) == 1 or max(groups.values()) + one_batch > _GROUP_BYTES


@given(
    start=st.integers(0, 14),
    batch_size=st.sampled_from([4, 5, 64]),
    side=st.sampled_from([2, 128, 300]),
)
def test_an_epoch_gone_on_with_is_prepared_alike(start, batch_size, side):
    """From any batch on: how torch rounds may depend on what was prepared together."""
    shape = (3, side, side)
    split = ArrayDataset(torch.ones(60, *shape, dtype=torch.uint8), torch.arange(60))
    batches = batches_of(split, batch_size, shape=shape)
    whole = list(batches.epoch(1))[start:]
    rest = list(batches.epoch(1, start))
    for part, expected in zip(rest, whole, strict=True):
        assert torch.equal(part.samples, expected.samples)
        assert torch.equal(part.labels, expected.labels)
        assert part.samples.storage_offset() == expected.samples.storage_offset()


@pytest.mark.gpu
@pytest.mark.parametrize("fits", [True, False])
def test_a_gpu_is_not_waited_for(monkeypatch, fits):
    """Neither for where the samples are nor for the samples, on the device or in main memory."""
    if not fits:
        monkeypatch.setattr(_batches, "resident", lambda split, device: split)
    split = ArrayDataset(*numbered(100))
    batches = batches_of(
        split, 8, augment=Augment(mixup=0.4), num_classes=100, device=torch.device("cuda")
    )
    expected = [batch.samples.cpu() for batch in batches.epoch(1)]
    torch.cuda.set_sync_debug_mode("error")
    try:
        found = [batch.samples for batch in batches.epoch(1)]
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert all(map(torch.equal, [samples.cpu() for samples in found], expected))


def test_the_indices_of_a_step_are_those_of_its_batch():
    """What a record of a failure names can be read again."""
    batches = batches_of(ArrayDataset(*numbered(23)), 5)
    for step, batch in enumerate(batches.epoch(2)):
        assert torch.equal(batches.indices(2, step), batch.labels)
        again = batches.read(batches.indices(2, step), 2)
        assert torch.equal(again.samples, batch.samples)


@given(batch_size=st.integers(1, 30), num_ranks=st.integers(1, 3), whole=st.booleans())
def test_mixed_samples_do_not_depend_on_their_batch(batch_size, num_ranks, whole):
    """Whom a sample is mixed with, and how much, is the same in any batch and on any rank."""
    split = (ArrayDataset if whole else Items)(*numbered(30))
    augment = Augment(mixup=0.4, flip=True)
    fed = {}
    for size, ranks in ((30, 1), (batch_size, num_ranks)):
        for rank in range(ranks):
            batches = batches_of(
                split, size, rank=rank, num_ranks=ranks, augment=augment, num_classes=30
            )
            order = torch.cat(
                [
                    p
                    for step in range(len(batches))
                    for p in (batches.indices(1, step).tensor_split(ranks)[rank],)
                ]
            )
            found = list(batches.epoch(1))
            samples = torch.cat([batch.samples for batch in found])
            labels = torch.cat([batch.labels for batch in found])
            for index, sample, label in zip(order.tolist(), samples, labels, strict=True):
                if index in fed:
                    assert torch.equal(fed[index][0], sample)
                    assert torch.equal(fed[index][1], label)
                fed[index] = (sample, label)
    assert len(fed) == 30
    assert any((label > 0).sum() == 2 for _, label in fed.values())


def test_classes_are_counted_whoever_holds_the_labels():
    """Apart from the samples, or in the items alone; absent classes too."""
    samples, _ = numbered(6)
    labels = torch.tensor([0, 2, 2, 0, 0, 3])
    for kind in (ArrayDataset, Items):
        assert class_counts(kind(samples, labels), 5) == [3, 0, 2, 1, 0]
