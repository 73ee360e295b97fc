"""From what a user wrote to a path, and from that to weights, without torch."""

import os

import pytest

from zoo import home
from zoo.errors import UsageError


def test_a_tilde_is_the_users_home(monkeypatch, tmp_path):
    """Also where nothing is there yet."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert home.user_path("~/data") == tmp_path / "data"
    assert home.user_path(tmp_path / "none" / "deeper") == tmp_path / "none" / "deeper"


@pytest.mark.parametrize("text", ["~no-such-user-here/x", "n" * 300, "a\0b"])
def test_what_can_be_no_path_is_answered(text):
    """No raw error of the system, and never a screenful."""
    with pytest.raises(UsageError, match="is no path") as caught:
        home.user_path(text)
    assert len(str(caught.value)) < 200


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such users")
def test_a_home_of_nobody_is_answered(monkeypatch):
    """ZOO_HOME is written by users, too."""
    monkeypatch.setenv("ZOO_HOME", "~no-such-user-here/x")
    with pytest.raises(UsageError, match="no-such-user-here"):
        home.runs_dir()
