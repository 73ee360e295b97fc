"""Where things are kept, and what is said when they can't be."""

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from zoo import errors, home
from zoo.errors import StorageError


def test_the_environment_chooses_the_home(monkeypatch, tmp_path):
    """`ZOO_HOME` holds runs and data."""
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "here"))
    assert home.home() == tmp_path / "here"
    assert home.runs_dir() == tmp_path / "here" / "runs"
    assert home.data_dir() == tmp_path / "here" / "data"
    assert not (tmp_path / "here").exists(), "looking is not making"


def test_a_relative_home_and_a_tilde_are_made_whole(monkeypatch, tmp_path):
    """A run's path stays right when the program changes its folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZOO_HOME", "here")
    assert home.home() == tmp_path / "here"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("ZOO_HOME", "~/there")
    assert home.home() == tmp_path / "there"


@pytest.mark.parametrize("value", [None, ""])
def test_without_a_choice_the_platform_decides(monkeypatch, value):
    """Unset and empty mean the same: the folder for a user's data."""
    monkeypatch.delenv("ZOO_HOME")
    if value is not None:
        monkeypatch.setenv("ZOO_HOME", value)
    assert home.home().name == "zoo"
    assert home.home().is_absolute()


@pytest.mark.parametrize(
    ("value", "offline"), [(None, False), ("", False), ("0", False), ("1", True)]
)
def test_the_network_can_be_forbidden(monkeypatch, value, offline):
    """`ZOO_OFFLINE` set to anything but 0."""
    monkeypatch.delenv("ZOO_OFFLINE")
    if value is not None:
        monkeypatch.setenv("ZOO_OFFLINE", value)
    assert home.offline() is offline


def test_a_folder_is_made_with_its_parents_once(tmp_path):
    """Making it again is no error."""
    folder = tmp_path / "a" / "b"
    assert home.make_folder(folder) == folder
    assert home.make_folder(folder).is_dir()


def test_a_home_that_cannot_be_made_names_itself_and_the_remedy(tmp_path):
    """The path, the system's reason, and `ZOO_HOME`."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="ZOO_HOME") as raised:
        home.make_folder(tmp_path / "file" / "runs")
    assert str(Path("file") / "runs") in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


def test_knowing_where_things_are_costs_neither_torch_nor_platformdirs():
    """Every command asks; most need nothing more."""
    code = (
        "import sys, zoo.home, zoo.errors, zoo.runs; zoo.runs.list_runs();"
        "zoo.home.runs_dir(); print({'torch', 'numpy', 'platformdirs'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_errors_end_the_program_with_the_code_they_promise():
    """2 where what was asked is wrong, 1 where the work failed, and what stopped it."""
    wrong = {name for name in errors.__all__ if getattr(errors, name)("text").exit_code == 2}
    assert wrong == {
        "AmbiguousName",
        "IncompatibleWeights",
        "InvalidData",
        "InvalidOption",
        "NotOnHub",
        "RunExists",
        "UnknownName",
        "UsageError",
    }
    assert errors.Stopped("text", 130).exit_code == 130
    assert errors.Diverged("text").exit_code == 1
    assert errors.PushUnknown("text").exit_code == 3


@pytest.mark.parametrize("name", errors.__all__)
def test_errors_come_through_from_other_processes(name):
    """Workers and ranks raise them too; pickling is how they travel."""
    error = getattr(errors, name)("what failed")
    error.exit_code = 130
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert (str(copy), copy.exit_code) == ("what failed", 130)
    assert isinstance(copy, errors.ZooError)
