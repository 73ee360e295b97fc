"""The plugin vision's datasets: real MNIST and CIFAR-10, and a network that fails."""

import gzip
import importlib.util
import subprocess
import sys
import tarfile
import threading
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

import zoo
from zoo.data import describe
from zoo_registry import DatasetUnavailable, InvalidData
from zoo_vision import mnist as mnist_module
from zoo_vision.cifar import cifar10
from zoo_vision.folder import folder
from zoo_vision.mnist import fashion_mnist, mnist

SPLITS = ("train", "train", "t10k", "t10k")


def write_idx(path, array):
    """Write an array as the IDX file that the web page of MNIST describes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = bytes((0, 0, 8, array.ndim)) + np.array(array.shape, ">u4").tobytes()
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "wb") as file:
        file.write(header + array.astype(np.uint8).tobytes())


def write_mnist(root, base="MNIST", suffix="", sizes=(20, 10)):
    """Write four small files where torchvision has them; images of constant brightness."""
    for name, count in zip(("train", "t10k"), sizes, strict=True):
        labels = np.arange(count) % 10
        images = np.repeat(labels * 20, 784).reshape(count, 28, 28)
        write_idx(root / base / "raw" / f"{name}-images-idx3-ubyte{suffix}", images)
        write_idx(root / base / "raw" / f"{name}-labels-idx1-ubyte{suffix}", labels)


@pytest.mark.real_data
class TestRealData:
    """The published files."""

    def test_mnist(self, data_root):
        splits = mnist(data_root)
        facts = describe(splits)
        assert (facts.num_train, facts.num_test, facts.num_classes) == (60_000, 10_000, 10)
        assert splits.train.labels[:5].tolist() == [5, 0, 4, 1, 9]
        pixels = splits.train.samples.double() / 255
        assert pixels.mean().item() == pytest.approx(splits.mean[0], abs=1e-4)
        assert pixels.std().item() == pytest.approx(splits.std[0], abs=1e-4)

    def test_mnist_does_not_import_torchvision(self, data_root):
        code = (
            "import sys, pathlib; from zoo_vision.mnist import mnist;"
            f"mnist(pathlib.Path({str(data_root)!r})); print('torchvision' in sys.modules)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert done.stdout == "False\n"

    def test_a_model_learns_mnist(self, data_root):
        run = zoo.train("mlp", "mnist", data_dir=data_root, epochs=1, progress=False)
        assert run.metrics["accuracy"] > 0.93

    def test_cifar10_as_a_folder_of_jpeg_files(self, data_root, tmp_path):
        with tarfile.open(data_root / "cifar10-images.tar.xz") as archive:
            for member in archive:
                parts = member.name.split("/")
                if member.isfile() and parts[-1] < "0020.jpg":
                    archive.extract(member, tmp_path, filter="data")
        root = next(path.parent for path in tmp_path.rglob("train"))
        splits = folder(tmp_path, str(root))
        assert len(splits.classes) == 10
        assert splits.train[0][0].shape == (3, 32, 32)
        run = zoo.train(
            "vision/resnet18",
            f"folder:{root}",
            epochs=1,
            batch_size=50,
            workers=0,
            progress=False,
            set={"model.width": 4},
        )
        assert run.state == "done"


class TestIdx:
    """Files as torchvision lays them out, read without it."""

    @pytest.mark.parametrize("suffix", ["", ".gz"])
    def test_plain_and_gzipped(self, tmp_path, suffix):
        write_mnist(tmp_path, suffix=suffix)
        splits = mnist(tmp_path)
        assert (len(splits.train), len(splits.test)) == (20, 10)
        assert splits.train[3][0].unique().tolist() == [60]

    def test_fashion_mnist_lies_beside_it(self, tmp_path):
        write_mnist(tmp_path, base="FashionMNIST")
        assert fashion_mnist(tmp_path).classes[9] == "Ankle boot"

    @pytest.mark.parametrize(
        ("damage", "text"),
        [
            (lambda data: data[:10], "too few for its header"),
            (lambda data: data[:-1], "its header announces"),
            (lambda data: data + b"x", "its header announces"),
            (lambda data: b"PK" + data[2:], "starts with"),
            (lambda _: b"", "too few"),
        ],
    )
    def test_a_damaged_file_is_named(self, tmp_path, damage, text):
        write_mnist(tmp_path)
        path = tmp_path / "MNIST" / "raw" / "train-images-idx3-ubyte"
        path.write_bytes(damage(path.read_bytes()))
        with pytest.raises(InvalidData, match=f"train-images-idx3-ubyte is damaged.*{text}"):
            mnist(tmp_path)

    def test_images_and_labels_of_different_numbers(self, tmp_path):
        write_mnist(tmp_path)
        labels = np.zeros(3)
        write_idx(tmp_path / "MNIST" / "raw" / "train-labels-idx1-ubyte", labels)
        with pytest.raises(InvalidData, match="20 images, but train-labels.* 3 labels"):
            mnist(tmp_path)


@pytest.fixture
def mirror(tmp_path):
    """A real web server with small gzipped MNIST files; `/stall/` never answers."""
    site = tmp_path / "site"
    write_mnist(site, suffix=".gz")
    released = threading.Event()

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, directory=str(site / "MNIST" / "raw"), **kwargs)

        def do_GET(self):
            if self.path.startswith("/stall"):
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b"x")
                released.wait(30)
            else:
                super().do_GET()

        def do_HEAD(self):
            if self.path.startswith("/stall"):
                self.send_response(200)
                self.end_headers()
            else:
                super().do_HEAD()

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    released.set()
    server.shutdown()
    server.server_close()
    thread.join()


class TestDownload:
    """torchvision's own download, from a server on this machine."""

    @pytest.fixture
    def from_mirror(self, mirror, tmp_path, monkeypatch):
        """Point torchvision and the spec's addresses at the mirror."""
        monkeypatch.delenv("ZOO_OFFLINE")
        torchvision = pytest.importorskip("torchvision.datasets")
        import hashlib

        # Where there is tqdm, the thread that watches its bars would outlive the test.
        if importlib.util.find_spec("tqdm"):
            monkeypatch.setattr("tqdm.tqdm.monitor_interval", 0)
        raw = tmp_path / "site" / "MNIST" / "raw"
        names = [
            f"{part}-{kind}-ubyte.gz"
            for part in ("train", "t10k")
            for kind in ("images-idx3", "labels-idx1")
        ]
        digests = [hashlib.md5((raw / name).read_bytes()).hexdigest() for name in names]
        monkeypatch.setattr(torchvision.MNIST, "resources", list(zip(names, digests, strict=True)))

        def point(path=""):
            monkeypatch.setattr(torchvision.MNIST, "mirrors", [mirror + path])
            monkeypatch.setattr(mnist_module, "MNIST_URLS", (f"{mirror}{path}{names[0]}",))

        point()
        return point

    def test_what_is_missing_is_fetched_once(self, from_mirror, tmp_path, capsys):
        root = tmp_path / "root"
        assert len(mnist(root).train) == 20
        assert capsys.readouterr().out == ""
        from_mirror("gone/")
        assert len(mnist(root).test) == 10
        assert sorted(path.name for path in root.iterdir()) == ["MNIST"]

    def test_a_stalled_server_is_given_up_and_leaves_no_half_files(
        self, from_mirror, tmp_path, monkeypatch
    ):
        monkeypatch.setattr("zoo.data._fetch.SILENCE_SECONDS", 0.3)
        from_mirror("stall/")
        started = time.monotonic()
        with pytest.raises(DatasetUnavailable, match="--data-dir"):
            mnist(tmp_path / "root")
        assert time.monotonic() - started < 25, "the server itself gives up after 30 s"
        assert list((tmp_path / "root").rglob("*idx*")) == []

    def test_a_wrong_checksum_is_refused(self, from_mirror, tmp_path, monkeypatch):
        import torchvision.datasets

        names = [name for name, _ in torchvision.datasets.MNIST.resources]
        monkeypatch.setattr(torchvision.datasets.MNIST, "resources", [(n, "0" * 32) for n in names])
        with pytest.raises(DatasetUnavailable):
            mnist(tmp_path / "root")
        assert list((tmp_path / "root").rglob("*idx*")) == []

    def test_a_server_without_the_file(self, from_mirror, tmp_path):
        from_mirror("gone/")
        with pytest.raises(DatasetUnavailable, match="404"):
            mnist(tmp_path / "root")


@pytest.mark.parametrize("dataset", [mnist, fashion_mnist, cifar10])
def test_offline_means_offline(dataset, tmp_path):
    """No attempt, and a remedy."""
    with pytest.raises(DatasetUnavailable, match="ZOO_OFFLINE is set.*--data-dir"):
        dataset(tmp_path)


def test_a_damaged_cifar_is_refused(tmp_path):
    """The checksums of torchvision are what stands before its unpickling."""
    from zoo_vision.plugin import CIFAR10_FILES

    for file in CIFAR10_FILES:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_bytes(b"not a batch")
    with pytest.raises(InvalidData, match="damaged"):
        cifar10(tmp_path)
