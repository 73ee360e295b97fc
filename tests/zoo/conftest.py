"""A plugin that tests plant faults in, and peace from a thread of tqdm's."""

import importlib.util

import pytest
from planted import Planted


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """A folder of packages on this process's path, forgotten afterwards."""
    found = Planted(tmp_path / "site")
    monkeypatch.syspath_prepend(found.root)
    yield found
    found.forget()


@pytest.fixture(scope="module")
def no_tqdm_monitor():
    """Keep tqdm, which torch's tracing uses, from starting a thread that outlives the test."""
    with pytest.MonkeyPatch.context() as patch:
        if importlib.util.find_spec("tqdm"):
            patch.setattr("tqdm.tqdm.monitor_interval", 0)
        yield
