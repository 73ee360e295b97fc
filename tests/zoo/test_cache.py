"""Sets that are decoded once: what is kept, when it is made anew, and what can go wrong."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from zoo import home
from zoo.data import ArrayDataset, _cache_lock, cached, describe, if_cached, in_memory
from zoo.errors import BadSample, InvalidData
from zoo.verify._subject import Subject
from zoo_registry import Splits

FORKS = multiprocessing.get_all_start_methods()[0] == "fork"
STARTS = ["spawn", *(["fork"] if FORKS else [])]
"""How processes start: those that decode only by forking, else threads do."""

PROGRAM = '''
import os, sys, time
import torch
from zoo.data import cached

class Slow:
    """Samples that take their time, and leave a byte in a file for each."""

    labels = torch.zeros(200, dtype=torch.int64)

    def __len__(self):
        return 200

    def __getitem__(self, index):
        time.sleep(float(sys.argv[2]))
        log = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(log, b".")
        os.close(log)
        return torch.full((1, 2, 2), index, dtype=torch.uint8), 0

    def cache_key(self):
        return "slow"

found = cached(Slow(), note=print)
assert found.samples[:, 0, 0, 0].tolist() == list(range(200))
'''
"""Builds a cache of 200 samples; arguments: the file of bytes, and the seconds for a sample."""


class Drawn:
    """Samples as a function of their index and a seed: uint8 (C, H, W)."""

    def __init__(self, num_samples=300, shape=(3, 4, 5), seed=0):
        generator = torch.Generator().manual_seed(seed)
        size = (num_samples, *shape)
        self.samples = torch.randint(256, size, generator=generator, dtype=torch.uint8)
        self.labels = torch.arange(num_samples) % 3
        self.key = f"{seed}"

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        return self.samples[index], int(self.labels[index])

    def cache_key(self):
        return self.key


class Broken(Drawn):
    """Sample 150 raises what it is given."""

    error: Exception | None = BadSample("x/150.png can't be read")

    def __getitem__(self, index):
        if index == 150 and self.error is not None:
            raise self.error
        return super().__getitem__(index)


class Inverted(Drawn):
    """The same key, other samples."""

    def __getitem__(self, index):
        return 255 - self.samples[index], int(self.labels[index])


class Endless(Drawn):
    """More samples than any disk holds."""

    def __len__(self):
        return 10**13


def silent(text):
    pytest.fail(f"said: {text}")


def files():
    """The names in the cache's folder."""
    return sorted(path.name for path in (home.home() / "cache").glob("*"))


def the_cache():
    [path] = (home.home() / "cache").glob("*.u8")
    return path


@pytest.fixture
def photos(tmp_path):
    """A folder of 40 small images, of two classes."""
    for index in range(40):
        path = tmp_path / "photos" / "ab"[index % 2] / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (6, 5), index * 5).save(path)
    return tmp_path / "photos"


@pytest.fixture(params=STARTS)
def start(request, monkeypatch):
    """Decode in processes, or in threads as where processes don't fork."""
    method = request.param
    monkeypatch.setattr(multiprocessing, "get_start_method", lambda allow_none: method)
    return method


class TestWhatIsKept:
    """The same samples, in one file."""

    def test_every_sample_and_label(self, start):
        """Whoever decodes, each sample is where it belongs."""
        split = Drawn()
        found = cached(split, note=silent)
        assert type(found) is ArrayDataset
        assert torch.equal(found.samples, split.samples)
        assert torch.equal(found.labels, split.labels)
        assert found.samples.dtype == torch.uint8
        assert [name.endswith(".u8") for name in files()] == [True]

    @given(st.integers(1, 200), st.tuples(*[st.integers(1, 4)] * 3), st.integers(0, 2**31))
    def test_any_number_of_any_shape(self, num_samples, shape, seed):
        """Also one that fills no chunk, or the last one in part."""
        split = Drawn(num_samples, shape, seed)
        assert torch.equal(cached(split, note=silent).samples, split.samples)

    def test_samples_that_are_views(self):
        """Images are often transposed (H, W, C): what counts is what the tensor says."""
        split = Drawn(shape=(4, 5, 3))
        split.samples = split.samples.permute(0, 3, 1, 2)
        assert torch.equal(cached(split, note=silent).samples, split.samples)

    def test_a_run_on_the_cache_is_a_run_on_the_files(self):
        """The data's fingerprint, which runs are compared by, is the same."""
        split = Drawn()
        plain = describe(Splits(train=split))
        assert describe(Splits(train=cached(split, note=silent))) == plain

    def test_writing_to_a_batch_leaves_the_file_alone(self):
        """Augmentation in place must not change what the next epoch or run reads."""
        split = Drawn()
        found = cached(split, note=silent)
        found.batch(torch.arange(300))[0].zero_()
        assert torch.equal(found.samples, split.samples)
        assert torch.equal(cached(split, note=silent).samples, split.samples)

    def test_a_long_decoding_is_announced_once(self):
        """Somebody waits for it; the second time there is nothing to wait for."""
        said = []
        split = Drawn(10_000, (1, 2, 2))
        for _ in range(2):
            cached(split, note=said.append)
        assert said == ["decoding 10,000 samples, once, into a cache of 0.0 GB"]


class TestWhenItIsMade:
    """Once, until the key changes."""

    def test_the_second_time_nothing_is_decoded(self):
        """Not but the first sample, for its shape."""
        whole = Broken()
        whole.error = None
        first = cached(whole, note=silent)
        assert torch.equal(cached(Broken(), note=silent).samples, first.samples)

    def test_sets_of_two_classes_never_share_one(self):
        """The text of the key is each class's own affair: both may call something "1"."""
        split, other = Drawn(), Inverted()
        assert split.cache_key() == other.cache_key()
        assert torch.equal(cached(split, note=silent).samples, split.samples)
        assert torch.equal(cached(other, note=silent).samples, 255 - other.samples)

    def test_another_key_is_another_cache(self):
        """The old one may be another run's."""
        for seed in (1, 2, 1):
            split = Drawn(seed=seed)
            assert torch.equal(cached(split, note=silent).samples, split.samples)
        assert len(files()) == 2

    def test_one_that_was_cut_short_is_made_anew(self):
        """Reading beyond the end of a mapped file ends the process."""
        split = Drawn()
        cached(split, note=silent)
        os.truncate(the_cache(), 100)
        assert torch.equal(cached(split, note=silent).samples, split.samples)

    def test_sets_that_offer_no_key_stay_what_they_are(self):
        """As do those that lie in memory, and those without samples."""
        arrays = ArrayDataset(torch.zeros(4, 1, 2, 2), torch.zeros(4))
        arrays.cache_key = lambda: "key"
        for split in ([(torch.zeros(3), 0)], arrays, Drawn(0)):
            assert cached(split, note=silent) is split
        assert not home.home().exists()

    def test_unused_ones_are_removed_after_a_month_and_used_ones_stay(self):
        """Else the folder would grow with every image added to a set."""
        names = {}
        for seed in (1, 2):
            before = set(files())
            cached(Drawn(seed=seed), note=silent)
            [names[seed]] = set(files()) - before
        month_ago = time.time() - 31 * 24 * 3600
        for name in names.values():
            os.utime(home.home() / "cache" / name, (month_ago, month_ago))
        cached(Drawn(seed=2), note=silent)
        cached(Drawn(seed=3), note=silent)
        assert len(files()) == 2
        assert names[2] in files()


class TestWithoutStoring:
    """Whoever reads a set once, or a part of it, takes the cache that is there, or none."""

    def test_a_cache_that_is_there_is_read(self):
        """Decoding anew what a training has decoded takes minutes."""
        split = Broken()
        split.error = None
        cached(split, note=silent)
        found = if_cached(Broken())
        assert type(found) is ArrayDataset
        assert torch.equal(found.samples, split.samples)
        assert torch.equal(found.labels, split.labels)

    def test_none_is_made(self):
        """Nor of what takes no part in caching."""
        for split in (Drawn(), [(torch.zeros(3), 0)], Drawn(0)):
            assert if_cached(split) is split
        assert not home.home().exists()

    def test_one_that_can_not_be_read_is_none(self):
        """Another user's home, say."""
        split = Drawn()
        home.home().write_text("a file")
        assert if_cached(split) is split

    @given(st.lists(st.integers(0, 39), min_size=1))
    def test_a_part_is_decoded_into_memory(self, indices):
        """What may be drawn at random anew is left to be."""
        split = Drawn(40)
        for kind in (split, ArrayDataset(split.samples, split.labels)):
            found = in_memory(kind, torch.tensor(indices))
            assert type(found) is ArrayDataset
            assert torch.equal(found.samples, split.samples[indices])
            assert torch.equal(found.labels, split.labels[indices])
        pairs = [(torch.tensor(float(index)), index) for index in range(40)]
        assert [int(label) for _, label in in_memory(pairs, torch.tensor(indices))] == indices
        assert not home.home().exists()

    @pytest.mark.parametrize("batch_size", [2, 50])
    def test_proofs_store_none(self, photos, batch_size):
        """They look at a few samples, or at all of a small set."""
        settings = {"model": "mlp", "dataset": f"folder:{photos}", "batch_size": batch_size}
        subject = Subject.read(settings, None, silent)
        assert type(subject.splits.train) is ArrayDataset
        assert len(subject.splits.train) == min(10 * batch_size, 32)
        assert files() == []


class TestBadSamples:
    """An error in a worker is the error that is raised, and nothing is left."""

    def test_a_bad_sample_arrives_as_it_is(self, start):
        """Its text names the file and the way out."""
        with pytest.raises(BadSample) as raised:
            cached(Broken(), note=silent)
        assert str(raised.value) == "x/150.png can't be read"
        assert files() == []

    def test_other_errors_become_one_that_names_the_sample(self, start):
        """A dataset of strangers may raise anything."""
        split = Broken()
        split.error = KeyError("size")
        with pytest.raises(BadSample, match=r"sample 150 can't be read \(KeyError: 'size'\)"):
            cached(split, note=silent)
        assert files() == []

    def test_a_promise_not_kept_is_said(self, start):
        """A shape or dtype of its own would shift all samples after it."""
        uneven = Drawn()
        uneven.samples = [*uneven.samples[:-1], torch.zeros(1, 4, 5, dtype=torch.uint8)]
        with pytest.raises(InvalidData, match=r"sample 299 is uint8 \(1, 4, 5\), but Drawn"):
            cached(uneven, note=silent)
        floats = Drawn()
        floats.samples = floats.samples.float()
        with pytest.raises(InvalidData, match=r"float32 \(3, 4, 5\).*--cache none"):
            cached(floats, note=silent)
        assert files() == []


class TestNoRoom:
    """A set that can't be stored is read from its files, and a line says why."""

    def test_a_set_larger_than_the_disk_streams(self):
        """Before anything is written."""
        said = []
        split = Endless()
        assert cached(split, note=said.append) is split
        assert len(said) == 1
        assert "10,000,000,000,000 samples stream" in said[0]
        assert "a cache needs 600,001.1 GB" in said[0]
        assert str(home.home() / "cache") in said[0]
        assert files() == []

    def test_a_write_that_fails_half_way(self, start):
        """Whatever stops it, the half is removed."""
        resource = pytest.importorskip("resource")
        said = []
        split = Drawn()
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
        try:
            assert cached(split, note=said.append) is split
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert len(said) == 1
        assert "File too large" in said[0]
        assert files() == []

    def test_a_home_that_can_not_be_written(self):
        """The training itself needs it too, but that is for the run to say."""
        said = []
        home.home().write_text("a file")
        split = Drawn()
        assert cached(split, note=said.append) is split
        assert "ZOO_HOME" in said[0]


def start_program(log, seconds):
    command = [sys.executable, "-c", PROGRAM, str(log), str(seconds)]
    return subprocess.Popen(command, start_new_session=True)


def wait_until(condition, seconds=60):
    """Wait for another process, with an end to it."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def exists(group):
    """Whether a process of the group still runs."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.skipif(sys.platform == "win32", reason="signals and locks are POSIX's")
class TestSeveralProcesses:
    """Builds beside each other, and builds that are ended."""

    def test_two_at_once_decode_once(self, tmp_path):
        """The second waits for the first, and takes what it made."""
        log = tmp_path / "log"
        builds = [start_program(log, 0.002) for _ in range(2)]
        assert [build.wait(timeout=100) for build in builds] == [0, 0]
        assert [name.endswith(".u8") for name in files()] == [True]
        # Each looks at the first sample for its shape.
        assert log.stat().st_size == 200 + 2

    def test_waiting_for_another_process_is_said(self, monkeypatch):
        """It may take minutes, and it may be for the set that this one wants: a rank's, say."""
        monkeypatch.setattr(_cache_lock, "_QUIET_SECONDS", 0.1)
        folder = home.make_folder(home.home() / "cache")
        fcntl = pytest.importorskip("fcntl")
        other = os.open(folder, os.O_RDONLY)
        said = []

        def note(text):
            said.append(text)
            fcntl.flock(other, fcntl.LOCK_UN)

        try:
            fcntl.flock(other, fcntl.LOCK_EX)
            split = Drawn()
            assert torch.equal(cached(split, note=note).samples, split.samples)
        finally:
            os.close(other)
        assert said == [f"another process decodes samples into {folder} …"]

    def test_a_build_that_is_told_to_end_with_its_workers_leaves_nothing(self, tmp_path):
        """A batch system sends SIGTERM to every process; the workers end with what started them."""
        log = tmp_path / "log"
        build = start_program(log, 0.05)
        wait_until(lambda: log.exists() and log.stat().st_size > 4)
        os.killpg(build.pid, signal.SIGTERM)
        assert build.wait(timeout=60) == -signal.SIGTERM
        wait_until(lambda: not exists(build.pid))
        assert log.stat().st_size < 200

    def test_a_killed_build_leaves_no_process_and_the_next_one_cleans_up(self, tmp_path):
        """Its workers end by themselves, and its half is removed."""
        log = tmp_path / "log"
        build = start_program(log, 0.05)
        wait_until(lambda: log.exists() and log.stat().st_size > 4)
        build.kill()
        build.wait()
        wait_until(lambda: not exists(build.pid))
        assert log.stat().st_size < 200, "its workers went on to their end"
        assert [name.endswith(".partial") for name in files()] == [True]
        assert start_program(log, 0).wait(timeout=100) == 0
        assert [name.endswith(".u8") for name in files()] == [True]

    def test_an_interrupted_build_leaves_nothing(self, tmp_path):
        """Ctrl-C goes to the whole group; one traceback is enough."""
        log = tmp_path / "log"
        build = start_program(log, 0.05)
        wait_until(lambda: log.exists() and log.stat().st_size > 4)
        os.killpg(build.pid, signal.SIGINT)
        build.wait(timeout=60)
        wait_until(lambda: not exists(build.pid))
        assert files() == []
        assert log.stat().st_size < 200
