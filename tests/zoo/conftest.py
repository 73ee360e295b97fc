"""A plugin that tests plant faults in."""

import pytest
from planted import Planted


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """A folder of packages on this process's path, forgotten afterwards."""
    found = Planted(tmp_path / "site")
    monkeypatch.syspath_prepend(found.root)
    yield found
    found.forget()
