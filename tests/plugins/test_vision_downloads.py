"""Downloads of the plugin `vision`: what is on the disk before, between and after them."""

import hashlib
import io
import pickle
import socket
import sys
import tarfile
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch

from zoo.data import fetch
from zoo_registry import DatasetUnavailable
from zoo_vision import cifar as cifar_module
from zoo_vision.cifar import cifar10


@pytest.fixture
def online(monkeypatch):
    """Let this machine be asked, and no proxy of its environment."""
    monkeypatch.delenv("ZOO_OFFLINE")
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def site(online, tmp_path):
    """A folder, the address of the web server that serves it, and the requests it has had."""
    folder, requests = tmp_path / "site", []
    folder.mkdir()

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, directory=str(folder), **kwargs)

        def log_message(self, *args):
            requests.append(f"{self.command} {self.path}")

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}", requests
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def mirror(site):
    """The address of a file on a server that answers."""
    folder, address, _ = site
    (folder / "first").touch()
    return f"{address}/first"


def get(root, mirror, download, files=("set/a", "set/b")):
    """Fetch two files of a dataset named `letters`."""
    fetch("letters", root, urls=(mirror,), files=files, download=download)


def write_both(folder):
    (folder / "set").mkdir()
    (folder / "set" / "a").write_text("new a")
    (folder / "set" / "b").write_text("new b")
    (folder / "set" / "archive.gz").write_text("no longer needed")


def contents(root):
    """What is in every file below a folder, hidden ones included."""
    files = [path for path in root.rglob("*") if path.is_file()]
    return {path.relative_to(root).as_posix(): path.read_text() for path in files}


def test_whole_folders_are_put_in_place_and_left_alone_where_they_are(mirror, tmp_path):
    """A set of many files is named by its folders."""
    root = tmp_path / "some" / "root"
    (root / "old").mkdir(parents=True)
    (root / "old" / "a").write_text("the user's")

    def download(folder):
        for name in ("new/deep/a", "new/b", "old/a"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text("fetched")

    get(root, mirror, download, files=("new", "old"))
    fetched = {"new/deep/a": "fetched", "new/b": "fetched"}
    assert contents(root) == fetched | {"old/a": "the user's"}


def test_what_was_asked_for_stays_and_nothing_else(mirror, tmp_path):
    """Archives and the folder of the download are gone in the end."""
    root = tmp_path / "some" / "root"
    get(root, mirror, write_both)
    assert contents(root) == {"set/a": "new a", "set/b": "new b"}
    assert [path.name for path in root.iterdir()] == ["set"]


def test_an_incomplete_set_is_fetched_whole(mirror, tmp_path):
    """Files left by an earlier, broken attempt are replaced, not trusted."""
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a").write_text("old, and perhaps half")
    get(tmp_path, mirror, write_both)
    assert contents(tmp_path / "set") == {"a": "new a", "b": "new b"}


def half_then(failure):
    """A download that writes one file, half of another, and fails."""

    def download(folder):
        write_both(folder)
        (folder / "set" / "b").write_text("ne")
        raise failure

    return download


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (OSError(28, "No space left on device"), "No space left on device"),
        (TimeoutError("timed out"), r"\(timed out\)"),
        (RuntimeError("Error downloading a:\nTried b, got:\nHTTP Error 503"), r"\(HTTP Error 503"),
        (EOFError(), r"\(EOFError\)"),
        (tarfile.ReadError("unexpected end of data"), "unexpected end of data"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_failed_download_leaves_nothing(mirror, tmp_path, failure, said):
    """The reason is one line; no half file is there to be taken for a whole one."""
    root = tmp_path / "root"
    with pytest.raises(DatasetUnavailable, match=said) as raised:
        get(root, mirror, half_then(failure))
    assert "\n" not in str(raised.value)
    assert str(root) in str(raised.value)
    assert list(root.rglob("*")) == []


def test_an_interrupted_download_leaves_nothing(mirror, tmp_path):
    """Ctrl-C goes through as it is, and the folder of the download is gone."""
    with pytest.raises(KeyboardInterrupt):
        get(tmp_path / "root", mirror, half_then(KeyboardInterrupt()))
    assert list((tmp_path / "root").rglob("*")) == []


def test_a_download_that_brings_too_little_is_no_success(mirror, tmp_path):
    """A file that is missing in the end is a failure that names it."""
    with pytest.raises(DatasetUnavailable, match="'.*set/c'"):
        get(tmp_path / "root", mirror, write_both, files=("set/c",))
    assert contents(tmp_path / "root") == {}


def test_a_root_that_can_not_be_a_folder_is_named(mirror, tmp_path):
    """Where nothing can be stored, that is the cause given."""
    (tmp_path / "root").touch()
    with pytest.raises(DatasetUnavailable, match=r"letters is not in .*root.*File exists.*root"):
        get(tmp_path / "root", mirror, write_both)


def test_a_server_that_refuses_is_given_up_before_anything_is_touched(online, tmp_path):
    """No folder is made, and torchvision is not called."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    calls = []
    with pytest.raises(DatasetUnavailable, match=r"refused.*--data-dir"):
        get(tmp_path / "root", f"http://127.0.0.1:{port}/first", calls.append)
    assert not calls
    assert not (tmp_path / "root").exists()


def test_offline_asks_nobody(site, tmp_path, monkeypatch):
    """With ZOO_OFFLINE set not even a server that would answer is asked."""
    _, address, requests = site
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    calls = []
    with pytest.raises(DatasetUnavailable, match="ZOO_OFFLINE is set"):
        get(tmp_path / "root", f"{address}/first", calls.append)
    assert not calls
    assert not requests


def test_waits_are_bounded_while_it_lasts_and_no_longer(mirror, tmp_path):
    """Sockets get a time-out for the download; the program's own setting comes back."""
    seen = []

    def download(folder):
        seen.append(socket.getdefaulttimeout())
        raise OSError("stop")

    with pytest.raises(DatasetUnavailable):
        get(tmp_path, mirror, download)
    assert 0 < seen[0] <= 10
    assert socket.getdefaulttimeout() is None


def test_what_a_download_prints_is_kept_off_stdout(mirror, tmp_path, capsys):
    """Stdout is the command's own; without a terminal progress bars go nowhere."""

    def download(folder):
        print("Downloading …")
        write_both(folder)

    get(tmp_path, mirror, download)
    assert capsys.readouterr() == ("", "")


@pytest.fixture
def small_cifar(site, monkeypatch):
    """A server with six batches of two images each; torchvision knows their checksums."""
    from torchvision.datasets import CIFAR10

    folder, address, requests = site
    names = [f"data_batch_{number}" for number in range(1, 6)] + ["test_batch"]
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (6, 2, 3072), dtype=np.uint8)
    batches = {
        name: {"data": pixels[index], "labels": [index, 9 - index]}
        for index, name in enumerate(names)
    }
    kinds = ["plane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
    batches["batches.meta"] = {"label_names": kinds}
    packed = {name: pickle.dumps(batch, protocol=2) for name, batch in batches.items()}
    with tarfile.open(folder / "cifar.tar.gz", "w:gz") as archive:
        for name, data in packed.items():
            entry = tarfile.TarInfo(f"{CIFAR10.base_folder}/{name}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    sums = {name: hashlib.md5(data).hexdigest() for name, data in packed.items()}
    whole = hashlib.md5((folder / "cifar.tar.gz").read_bytes()).hexdigest()
    if progress := sys.modules.get("tqdm"):  # torchvision uses it where it is installed
        monkeypatch.setattr(progress.tqdm, "monitor_interval", 0)  # no thread that outlives us
    monkeypatch.setattr(CIFAR10, "url", f"{address}/cifar.tar.gz")
    monkeypatch.setattr(CIFAR10, "tgz_md5", whole)
    monkeypatch.setattr(CIFAR10, "train_list", [[name, sums[name]] for name in names[:5]])
    monkeypatch.setattr(CIFAR10, "test_list", [[names[5], sums[names[5]]]])
    monkeypatch.setattr(CIFAR10, "meta", {**CIFAR10.meta, "md5": sums["batches.meta"]})
    monkeypatch.setattr(cifar_module, "CIFAR10_URLS", (CIFAR10.url,))
    return pixels.reshape(12, 3, 32, 32), kinds, requests


def test_cifar10_is_downloaded_once_and_read_as_images(small_cifar, tmp_path, capsys):
    """uint8 (N, 3, 32, 32) in the order of the batches, with the names of the classes."""
    pixels, kinds, requests = small_cifar
    cifar10(tmp_path / "root")
    fetched = len(requests)
    assert fetched > 0
    splits = cifar10(tmp_path / "root")
    assert len(requests) == fetched
    assert torch.equal(splits.train.samples, torch.from_numpy(pixels[:10]))
    assert torch.equal(splits.test.samples, torch.from_numpy(pixels[10:]))
    assert splits.train.samples.is_contiguous()
    assert splits.train.labels.tolist() == [0, 9, 1, 8, 2, 7, 3, 6, 4, 5]
    assert splits.test.labels.dtype == torch.int64
    assert splits.classes == tuple(kinds)
    assert [path.name for path in (tmp_path / "root").iterdir()] == ["cifar-10-batches-py"]
    assert capsys.readouterr().out == ""


def test_a_batch_with_other_bytes_is_never_unpickled(small_cifar, tmp_path, monkeypatch):
    """A pickle runs what it says: the checksum comes first, and the file is not read."""
    from zoo_registry import InvalidData

    cifar10(tmp_path)
    monkeypatch.chdir(tmp_path)
    evil = tmp_path / "cifar-10-batches-py" / "data_batch_3"
    evil.write_bytes(b"cbuiltins\nexec\n(S'import pathlib; pathlib.Path(\"ran\").touch()'\ntR.")
    with pytest.raises(InvalidData, match="cifar-10-batches-py is damaged.*Delete the folder"):
        cifar10(tmp_path)
    assert not (tmp_path / "ran").exists()
