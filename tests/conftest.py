"""What every test has: a home of its own, no network, and a check that it left nothing behind."""

import importlib
import itertools
import multiprocessing
import os
import signal
import socket
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# A loaded machine is no defect of the code, and a database of examples is one outside tmp_path.
settings.register_profile("zoo", deadline=None, database=None)
settings.load_profile("zoo")

_LOOPBACK = ("127.0.0.1", "::1", "localhost", "")
_FRESH_TORCH = {
    "default dtype": "torch.float32",
    "deterministic algorithms": False,
    "cudnn.benchmark": False,
    "cudnn.deterministic": False,
    "matmul precision": "highest",
    "grad enabled": True,
}
# pytest's own, and what torch's compiler and scikit-learn set when they are first imported.
_NOT_OURS = (
    "PYTEST_CURRENT_TEST",
    "TORCHINDUCTOR_CACHE_DIR",
    "KMP_DUPLICATE_LIB_OK",
    "KMP_INIT_AT_FORK",
)
_NUMBERS = itertools.count()


def _test_data() -> Path | None:
    given = os.environ.get("ZOO_TEST_DATA")
    return Path(given).absolute() if given else None


_TEST_DATA = _test_data()


def pytest_configure(config):
    """Refuse a ZOO_TEST_DATA that is not there: skipping for a slip of the pen hides tests."""
    if _TEST_DATA is not None and not _TEST_DATA.is_dir():
        raise pytest.UsageError(f"ZOO_TEST_DATA={os.environ['ZOO_TEST_DATA']} is not a folder")


def pytest_runtest_setup(item):
    """Skip what this machine has no data or no device for."""
    if item.get_closest_marker("real_data") and _TEST_DATA is None:
        pytest.skip("set ZOO_TEST_DATA to a folder with MNIST/raw and cifar10-images.tar.xz")
    if item.get_closest_marker("gpu"):
        import torch

        if not torch.cuda.is_available():
            pytest.skip("needs a CUDA device")


@pytest.fixture
def data_root() -> Path:
    """The folder of real data, as an absolute path; for tests marked `real_data`."""
    assert _TEST_DATA is not None, "mark the test with real_data"
    return _TEST_DATA


@pytest.fixture
def write_package(tmp_path, monkeypatch) -> Iterator[Callable[..., str]]:
    """Write an importable package, `write_package("source", part="source")`; return its name."""
    root = tmp_path / "packages"
    root.mkdir()
    monkeypatch.syspath_prepend(root)
    written = []

    def write(__init__: str = "", **modules: str) -> str:
        name = f"written_{next(_NUMBERS)}"
        for module, source in {"__init__": __init__, **modules}.items():
            path = root / name / f"{module}.py"
            path.parent.mkdir(exist_ok=True)
            path.write_text(textwrap.dedent(source), encoding="utf-8")
        importlib.invalidate_caches()
        written.append(name)
        return name

    yield write
    for module in [name for name in sys.modules if name.partition(".")[0] in written]:
        del sys.modules[module]


@pytest.fixture(autouse=True)
def _leaves_nothing_behind() -> Iterator[None]:
    """The environment, threads, processes, signals and torch's settings are as they were."""
    folder, before, torch_before = Path.cwd(), _process_state(), _torch_state()
    yield
    for thread in threading.enumerate():
        if thread not in before["threads"]:
            thread.join(timeout=2)
    after, torch_after = _process_state(), _torch_state()
    os.chdir(folder)
    for name in before["environment"].keys() | after["environment"].keys():
        if name in before["environment"]:
            os.environ[name] = before["environment"][name]
        else:
            del os.environ[name]
    changed = {name: (before[name], after[name]) for name in before if before[name] != after[name]}
    fresh = torch_before or _FRESH_TORCH
    changed |= {
        name: (fresh[name], value)
        for name, value in torch_after.items()
        if fresh.get(name, value) != value
    }
    assert not changed, f"left behind (before, after): {changed}"


def _process_state() -> dict[str, Any]:
    return {
        "environment": {k: v for k, v in os.environ.items() if k not in _NOT_OURS},
        "threads": threading.enumerate(),
        "processes": multiprocessing.active_children(),
        "signals": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)],
        "sys.path": list(sys.path),
    }


def _torch_state() -> dict[str, Any]:
    torch = sys.modules.get("torch")
    if torch is None:  # not imported for this check: a test without torch stays without it
        return {}
    return {
        "default dtype": str(torch.get_default_dtype()),
        "deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "cudnn.benchmark": torch.backends.cudnn.benchmark,
        "cudnn.deterministic": torch.backends.cudnn.deterministic,
        "matmul precision": torch.get_float32_matmul_precision(),
        "grad enabled": torch.is_grad_enabled(),
        "threads of torch": torch.get_num_threads(),
    }


@pytest.fixture(autouse=True)
def _home_of_its_own(_leaves_nothing_behind, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "zoo-home"))
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.delenv("ZOO_PLUGINS", raising=False)


@pytest.fixture(autouse=True)
def _no_network(_leaves_nothing_behind, monkeypatch) -> None:
    """Only this machine is reached. The failure is no OSError: no code may mistake it for one."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex
    getaddrinfo = socket.getaddrinfo

    def check(address) -> None:
        host = address[0] if isinstance(address, tuple) else ""  # a Unix socket has a path
        if host not in _LOOPBACK:
            pytest.fail(f"the test tried to reach {host}")

    def guarded_connect(self, address):
        check(address)
        return connect(self, address)

    def guarded_connect_ex(self, address):
        check(address)
        return connect_ex(self, address)

    def guarded_getaddrinfo(host, *args, **kwargs):
        check((host or "",))
        return getaddrinfo(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)
