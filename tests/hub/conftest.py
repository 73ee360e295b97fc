"""A hub on the loopback, and runs to push to it. The genuine client is in a process of its own."""

import copy
import shutil
import time

import numpy as np
import pytest
from hub_commands import REPO, zoo
from loopback import WRITER, LoopbackHub
from PIL import Image

from zoo.home import runs_dir


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """Runs trained once: `mlp`, and `tiny`, of one of timm's architectures."""
    home = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_HOME", str(home))
        patch.setenv("ZOO_OFFLINE", "1")
        import zoo as api

        api.train("mlp", dataset="digits", epochs=2, seed=0, name="mlp", progress=False)
        random = np.random.default_rng(0)
        x = random.integers(0, 256, (20, 3, 32, 32), dtype=np.uint8)
        data = (x, np.arange(20) % 4)
        api.train("timm/test_resnet", dataset=data, epochs=1, seed=0, name="tiny", progress=False)
    return home / "runs"


@pytest.fixture
def run(trained, _home_of_its_own):
    """The folder of the run `mlp`, in this test's own home."""
    shutil.copytree(trained / "mlp", runs_dir() / "mlp")
    return runs_dir() / "mlp"


@pytest.fixture
def tiny(trained, _home_of_its_own):
    """The folder of the run `tiny`, likewise."""
    shutil.copytree(trained / "tiny", runs_dir() / "tiny")
    return runs_dir() / "tiny"


@pytest.fixture
def online(_home_of_its_own, tmp_path, monkeypatch):
    """An environment in which hubs are asked, with a token and a cache of this test's own."""
    for name in ("ZOO_OFFLINE", "HF_HUB_OFFLINE", "HF_HUB_DISABLE_XET", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf-home"))
    monkeypatch.setenv("HF_TOKEN", WRITER)
    monkeypatch.setattr("zoo.hub._client._WAITS", (0.05, 0.1))
    monkeypatch.setattr("zoo.hub._rounds._WAITS", (0.05, 0.1))
    return monkeypatch


class Clock:
    """What a deadline takes for the time."""

    def __init__(self):
        self.ahead = 0.0

    def monotonic(self):
        return time.monotonic() + self.ahead

    def leap(self):
        """Let the time of a push or a pull be over."""
        self.ahead += 1e6


@pytest.fixture
def clock(online):
    """A clock that leaps when a test says so: nothing depends on how busy the machine is."""
    clock = Clock()
    online.setattr("zoo.hub._deadline.time", clock)
    return clock


@pytest.fixture
def hub(online):
    """A hub, which the client is told of."""
    with LoopbackHub() as served:
        online.setenv("HF_ENDPOINT", served.url)
        yield served


@pytest.fixture(scope="session")
def first_push():
    """What the first push of the run `mlp` has made of a hub; later ones would make the same."""
    return {}


@pytest.fixture
def pushed(hub, run, first_push):
    """A hub that has the run `mlp` at ada/digits; what was asked so far is forgotten."""
    if not first_push:
        zoo("push", "mlp", REPO)
        first_push.update(repos=copy.deepcopy(hub.repos), lfs=dict(hub.lfs))
        hub.log.clear()
    hub.repos, hub.lfs = copy.deepcopy(first_push["repos"]), dict(first_push["lfs"])
    return hub


@pytest.fixture
def image(tmp_path):
    """An image to ask about."""
    file = tmp_path / "seven.png"
    Image.new("L", (28, 28), 90).save(file)
    return file
