"""Datasets read item by item: what is drawn at random, transforms, and worker processes."""

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import Dataset
from torchvision.transforms import v2

import zoo
from zoo.data import ArrayDataset, _workers, default_workers, describe
from zoo.data._items import ItemBatches, read_item, read_labels
from zoo.errors import BadSample, InvalidData, ZooError
from zoo.runs import find_run
from zoo_registry import Splits

forks = pytest.mark.skipif(
    multiprocessing.get_all_start_methods()[0] != "fork",
    reason="workers are used where processes fork",
)


class Random(Dataset):
    """Samples drawn from the generators that a process has for everybody."""

    def __init__(self, count=12):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        drawn = [torch.rand(()).item(), random.random(), np.random.rand()]
        return torch.tensor(drawn, dtype=torch.float64), index % 2


class Told(Dataset):
    """Samples that tell what `ask` finds out where they are read."""

    def __init__(self, ask, count=6):
        self.ask, self.count = ask, count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return torch.tensor(float(self.ask())), index


def noisy(image):
    """A transform that draws from all three generators."""
    shift = torch.randint(0, 50, ()) + random.randrange(50) + int(np.random.randint(50))
    return (image // 2 + shift).to(torch.uint8)


def images(count=8):
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (count, 3, 6, 5), dtype=torch.uint8, generator=generator)
    return ArrayDataset(pixels, torch.arange(count))


@contextmanager
def reading(split, workers=0, transform=None):
    """The split's batches; its workers end with the block."""
    batches = ItemBatches(split, workers=workers, pin_memory=False, transform=transform)
    try:
        yield batches
    finally:
        batches.close()


def samples(batches, indices, seed, batch_size=4):
    """The samples of an epoch, one after another."""
    return torch.cat([found for found, _ in batches.epoch(indices.split(batch_size), seed)])


def states():
    """Everything that reading could disturb in this process."""
    numpys = np.random.get_state()
    return (
        torch.get_rng_state().tolist(),
        random.getstate(),
        [part.tolist() if isinstance(part, np.ndarray) else part for part in numpys],
        torch.get_num_threads(),
    )


class TestRandomness:
    """What is drawn for a sample is a function of the seed and its index."""

    @given(st.integers(0, 2**63 - 1), st.permutations(range(12)), st.integers(1, 12))
    @settings(max_examples=25)
    def test_order_and_batch_size_change_nothing(self, seed, order, batch_size):
        with reading(Random()) as batches:
            whole = samples(batches, torch.arange(12), seed, 12)
            found = samples(batches, torch.tensor(order), seed, batch_size)
        assert torch.equal(found, whole[order])

    def test_seeds_and_samples_have_numbers_of_their_own(self):
        """No two of them share a draw, nor do the generators repeat one another."""
        with reading(Random(50)) as batches:
            drawn = torch.cat([samples(batches, torch.arange(50), seed) for seed in range(4)])
        assert len(drawn.flatten().unique()) == 4 * 50 * 3

    @forks
    @pytest.mark.parametrize("workers", [1, 2])
    def test_workers_draw_what_this_process_draws(self, workers):
        """Also in later epochs, whose seed reaches workers that live on."""
        with reading(Random()) as alone, reading(Random(), workers) as worked:
            for seed in (1, 2, 1):
                expected = samples(alone, torch.arange(12), seed)
                assert torch.equal(samples(worked, torch.arange(12), seed), expected)

    def test_what_was_drawn_before_changes_nothing(self):
        with reading(Random()) as batches:
            first = samples(batches, torch.arange(12), 7)
            torch.rand(3)
            random.random()
            np.random.rand(3)
            assert torch.equal(samples(batches, torch.arange(12), 7), first)

    def test_the_trainings_own_generators_go_on_undisturbed(self):
        """Between two batches they are where they were: dropout draws from torch's."""
        before = states()
        with reading(Random(), transform=lambda sample: sample + torch.rand(())) as batches:
            for _ in batches.epoch(torch.arange(12).split(5), 0):
                assert states() == before
        assert states() == before

    def test_they_are_put_back_after_an_error(self):
        """The process may go on."""
        before = states()
        with reading(Told(lambda: torch.rand(()) / 0 + [])) as batches, pytest.raises(BadSample):
            samples(batches, torch.arange(6), 0)
        assert states() == before

    @pytest.mark.gpu
    def test_a_gpus_generator_is_not_touched(self):
        """Neither by reading here nor by what seeds a sample."""
        torch.cuda.manual_seed(5)
        before = torch.cuda.get_rng_state()
        with reading(Random()) as batches:
            samples(batches, torch.arange(12), 0)
        assert torch.equal(torch.cuda.get_rng_state(), before)

    def test_looking_ahead_is_repeatable_and_leaves_no_trace(self):
        """A fingerprint does not change with what was drawn before it was taken."""
        before = states()
        sample, label = read_item(Random(), 3)
        assert torch.equal(read_item(Random(), 3)[0], sample)
        assert label.item() == 1
        assert read_labels(Random()).tolist() == [0, 1] * 6
        prints = {describe(Splits(train=Random())).fingerprint}
        assert states() == before
        random.random()
        torch.rand(3)
        assert prints == {describe(Splits(train=Random())).fingerprint}

    @forks
    def test_samples_are_read_with_one_thread_everywhere(self):
        """Torch's sums depend on the number of threads, so it is a worker's in this process too."""
        threads = torch.get_num_threads()
        torch.set_num_threads(2)
        try:
            for workers in (0, 1):
                with reading(Told(torch.get_num_threads), workers) as batches:
                    assert samples(batches, torch.arange(6), 0).tolist() == [1] * 6
            assert torch.get_num_threads() == 2
        finally:
            torch.set_num_threads(threads)


class TestTransform:
    """A user's transform of single samples."""

    @forks
    def test_workers_transform_as_this_process_does(self):
        """A set in memory is read item by item for it; its own arrays stay as they are."""
        split = images()
        before = split.samples.clone()
        with reading(split, 0, noisy) as alone, reading(split, 2, noisy) as worked:
            found = samples(alone, torch.arange(8), 4)
            assert torch.equal(samples(worked, torch.arange(8), 4), found)
            assert not torch.equal(samples(alone, torch.arange(8), 5), found)
        assert not torch.equal(found, before)
        assert torch.equal(split.samples, before)

    def test_torchvisions_transforms_keep_the_promise(self):
        """They draw from torch's generator."""
        transform = v2.Compose(
            [v2.RandomHorizontalFlip(), v2.RandomRotation(20), v2.ColorJitter(0.4, 0.4, 0.4)]
        )
        with reading(images(), 0, transform) as batches:
            whole = samples(batches, torch.arange(8), 1)
            order = torch.tensor([5, 0, 7])
            assert torch.equal(samples(batches, order, 1, 1), whole[order])
        assert not torch.equal(whole, images().samples)

    def test_a_transform_that_writes_into_its_sample_spoils_no_data(self):
        """Twice the same epoch is the same, though it works in place."""
        split = images()
        with reading(split, 0, lambda image: image.zero_()) as batches:
            assert not samples(batches, torch.arange(8), 0).any()
        assert split.samples.any()

    @pytest.mark.parametrize(
        ("transform", "text"),
        [
            (lambda image: image / 255, r"uint8 \(3, 6, 5\), a float32 \(3, 6, 5\)"),
            (lambda image: image[:, :4], r"a uint8 \(3, 4, 5\)"),
            (lambda image: image.numpy(), "a ndarray"),
            (lambda image: None, "a NoneType"),
            (v2.ToPILImage(), "a Image"),
        ],
        ids=["dtype", "shape", "array", "none", "PIL"],
    )
    def test_shape_and_dtype_must_stay(self, transform, text):
        """Normalisation is stored with the weights, so it is not the transform's."""
        with (
            reading(images(), 0, transform) as batches,
            pytest.raises(InvalidData, match=f"sample 0, .*{text}.*leave scaling and normalis"),
        ):
            samples(batches, torch.arange(8), 0)

    @pytest.mark.parametrize("workers", [0, pytest.param(1, marks=forks)])
    def test_a_transform_that_fails_is_named_with_the_sample(self, workers):
        """In one line, from a worker too."""

        def failing(image):
            raise RuntimeError("too dark")

        text = r"^the transform fails on sample 4 \(RuntimeError: too dark\)$"
        with (
            reading(images(), workers, failing) as batches,
            pytest.raises(InvalidData, match=text),
        ):
            samples(batches, torch.tensor([4, 5]), 0)

    def test_a_transforms_own_error_of_ours_passes(self):
        """Whoever writes for zoo says it in his own words."""

        def failing(image):
            raise BadSample("this one is upside down")

        with (
            reading(images(), 0, failing) as batches,
            pytest.raises(BadSample, match="^this one is upside down$"),
        ):
            samples(batches, torch.arange(8), 0)


class TestNumberOfWorkers:
    """Chosen from the cores, where processes fork."""

    @pytest.fixture(autouse=True)
    def _forking(self, monkeypatch):
        monkeypatch.setattr(multiprocessing, "get_start_method", lambda allow_none: "fork")

    @pytest.mark.parametrize(("cores", "workers"), [(1, 1), (3, 3), (64, 8)])
    def test_as_many_as_cores_are_usable_up_to_eight(self, monkeypatch, cores, workers):
        monkeypatch.setattr(_workers, "own_cores", lambda: cores)
        assert default_workers(Random()) == workers

    def test_sets_in_memory_need_none_but_for_a_transform(self, monkeypatch):
        monkeypatch.setattr(_workers, "own_cores", lambda: 4)
        assert default_workers(images()) == 0
        assert default_workers(images(), transform=True) == 4

    @pytest.mark.parametrize("method", ["spawn", "forkserver"])
    def test_none_where_processes_do_not_fork(self, monkeypatch, method):
        """They would run the user's script again."""
        monkeypatch.setattr(multiprocessing, "get_start_method", lambda allow_none: method)
        assert default_workers(Random()) == 0
        assert default_workers(images(), transform=True) == 0


def in_a_spawned_process(function, *arguments):
    """What `function` returns in a process that is started as a launcher starts ranks."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def samples_read_by_workers():
    """Whether two workers read what this process does."""
    with reading(Random()) as alone, reading(Random(), 2) as worked:
        expected = samples(alone, torch.arange(12), 0)
        return torch.equal(samples(worked, torch.arange(12), 0), expected)


def how_workers_hear_of_stops():
    """Whether a worker ignores SIGTERM, and how many signals are blocked in it."""
    with reading(Told(hears_of_stops), 1) as batches:
        return samples(batches, torch.arange(1), 0).tolist()


def hears_of_stops():
    ignored = signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    return 10 * ignored + len(signal.pthread_sigmask(signal.SIG_BLOCK, ()))


@forks
def test_spawned_workers_still_end_by_sigterm():
    """It is all that ends them where a program forgets them; neither ignored nor blocked."""
    assert in_a_spawned_process(how_workers_hear_of_stops) == [0]


@forks
class TestOnRanks:
    """Ranks are spawned; their own workers fork nevertheless."""

    @pytest.fixture(autouse=True)
    def _one_of_two(self, monkeypatch):
        monkeypatch.setenv("RANK", "1")
        monkeypatch.setenv("WORLD_SIZE", "2")
        monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")

    def test_each_has_its_share_of_the_workers(self):
        """None would leave the decoding to the training; all of the cores, to each, too many."""
        alone = min(8, max(1, zoo.data.usable_cores() // 2))
        assert in_a_spawned_process(default_workers, list(range(5))) == alone

    def test_their_workers_read(self):
        """They are started by forking, whatever started the rank."""
        assert in_a_spawned_process(samples_read_by_workers)

    def test_other_spawned_processes_have_none(self, monkeypatch):
        """Only of a rank it is known that no one chose the way."""
        monkeypatch.delenv("RANK")
        assert in_a_spawned_process(default_workers, list(range(5))) == 0


@forks
class TestWorkers:
    """Worker processes: kept, ahead of the training, and never in its way."""

    def test_they_live_from_epoch_to_epoch(self):
        """Starting them anew costs as much as many batches."""
        with reading(Told(os.getpid), 2) as batches:
            first = set(samples(batches, torch.arange(6), 0, 1).tolist())
            later = set(samples(batches, torch.arange(6), 1, 1).tolist())
        assert len(first) == 2
        assert first == later
        assert os.getpid() not in first

    def test_closing_ends_them(self):
        with reading(Random(), 2) as batches:
            samples(batches, torch.arange(12), 0)
            assert len(multiprocessing.active_children()) == 2
        deadline = time.monotonic() + 10
        while multiprocessing.active_children() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not multiprocessing.active_children()

    def test_batches_are_read_before_they_are_asked_for(self):
        """While the training computes on the first, the next are read."""
        read = multiprocessing.Value("i", 0)

        def count():
            with read.get_lock():
                read.value += 1
            return 0

        with reading(Told(count), 1) as batches:
            epoch = batches.epoch(torch.arange(6).split(1), 0)
            next(epoch)
            deadline = time.monotonic() + 10
            while read.value < 2 and time.monotonic() < deadline:
                time.sleep(0.01)
            assert read.value >= 2
            assert len(list(epoch)) == 5

    @pytest.mark.parametrize("workers", [0, 2])
    def test_an_epoch_that_was_left_does_not_leak_into_the_next(self, workers):
        """Batches that were read ahead with the old seed are dropped."""
        with reading(Random()) as alone, reading(Random(), workers) as batches:
            next(batches.epoch(torch.arange(12).split(1), 1))
            found = samples(batches, torch.arange(12), 2)
            assert torch.equal(found, samples(alone, torch.arange(12), 2))

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_what_stops_a_job_is_left_to_the_training(self, number):
        """It reaches every process of a terminal or a job; a worker must not die of it first."""
        ignores = Told(lambda: signal.getsignal(number) is signal.SIG_IGN)
        with reading(ignores, 1) as batches:
            assert samples(batches, torch.arange(6), 0).all()

    def test_they_are_not_left_blocked(self):
        """A program that a dataset starts would inherit that, and could not be stopped."""
        blocked = Told(lambda: len(signal.pthread_sigmask(signal.SIG_BLOCK, ())))
        before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        with reading(blocked, 1) as batches:
            assert samples(batches, torch.arange(6), 0).tolist() == [len(before)] * 6
        assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before

    def test_a_death_is_said_with_what_to_do(self):
        """Most die for want of memory."""
        with (
            reading(Told(lambda: os._exit(3)), 1) as batches,
            pytest.raises(ZooError, match=r"a data worker died.*--workers 1"),
        ):
            samples(batches, torch.arange(6), 0)

    def test_a_death_between_two_batches_is_said_with_the_next(self):
        """Not wherever the program is: it may be writing a file."""
        with reading(Random(), 1) as batches:
            epoch = batches.epoch(torch.arange(12).split(1), 0)
            next(epoch)
            [worker] = multiprocessing.active_children()
            worker.kill()
            while worker.is_alive():
                time.sleep(0.01)
            with pytest.raises(ZooError, match=r"a data worker died.*Killed.*--workers 1"):
                next(epoch)

    def test_the_death_of_others_workers_is_theirs(self):
        """A DataLoader of the user's own says it as it always did."""
        with reading(Random(), 1) as batches:
            samples(batches, torch.arange(12), 0)
        loader = torch.utils.data.DataLoader(Told(lambda: os._exit(3)), num_workers=1)
        with pytest.raises(RuntimeError, match="DataLoader worker"):
            list(loader)


FORGOTTEN = """
import time, torch
from zoo.data._items import ItemBatches

class Stuck:
    def __len__(self):
        return 9

    def __getitem__(self, index):
        if index:
            time.sleep(1000)
        return torch.zeros(3), index

batches = ItemBatches(Stuck(), workers=2, pin_memory=False)
epoch = batches.epoch(torch.arange(9).split(1), 0)
next(epoch)
"""


@forks
def test_a_program_ends_whatever_its_workers_do():
    """They ignore SIGTERM, after which multiprocessing would wait for their end."""
    subprocess.run([sys.executable, "-c", FORGOTTEN], check=True, timeout=100)


STOPPED = """
import os, sys, time, torch, zoo
from torch import nn

class Slow(torch.utils.data.Dataset):
    targets = [index % 2 for index in range(4000)]

    def __len__(self):
        return 4000

    def __getitem__(self, index):
        time.sleep(0.001)
        return torch.rand(3), index % 2

class Net(nn.Linear):
    def forward(self, samples):
        if self.training:
            print("training", flush=True)
        return super().forward(samples)

try:
    zoo.train(
        Net(3, 2), Slow(), epochs=100, batch_size=16, device="cpu", workers=2, name="stopped",
        progress=False,
    )
except zoo.ZooError as error:
    print(error)
    sys.exit(error.exit_code)
"""


@forks
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 75), (signal.SIGINT, 130)])
def test_a_job_that_is_stopped_with_its_workers_stores_its_state(number, code):
    """A batch system tells every process of it; the run goes on from there."""
    command = [sys.executable, "-c", STOPPED]
    job = subprocess.Popen(command, start_new_session=True, stdout=subprocess.PIPE, text=True)
    with job:
        told = [job.stdout.readline() for _ in range(5)]
        os.killpg(job.pid, number)
        *_, last = job.stdout
        assert job.wait(timeout=100) == code, told
    assert "is stored; `zoo resume stopped` goes on" in last
    assert find_run("stopped").state == "stopped"


@pytest.mark.gpu
@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=forks)])
def test_batches_for_a_gpu_are_pinned(workers):
    """So that the copy to it runs beside the training."""
    batches = ItemBatches(images(), workers=workers, pin_memory=True)
    try:
        for pixels, labels in batches.epoch(torch.arange(8).split(4), 0):
            assert pixels.is_pinned()
            assert labels.is_pinned()
    finally:
        batches.close()
