"""From what a user wrote to a path, and from that to weights, without torch."""

import os

import pytest

from zoo import home
from zoo._cores import usable_cores
from zoo._files import write_text
from zoo._weight_files import weight_file
from zoo.errors import CorruptWeights, UnknownName, UsageError
from zoo.runs import RunWriter, find_run, machine_facts, require_free, weights_file


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


def stored(name="one"):
    """Store a run with weights, which nobody reads here."""
    writer = RunWriter.create(name, "stem", "", {})
    writer.add_file(write_text(writer.path / "model.safetensors", "weights"))
    return writer.finish("done")


def test_a_run_is_found_by_name_by_folder_and_by_its_file():
    """And what was found is found again."""
    run = stored()
    for source in ("one", str(run.path), run.path, run.weights):
        assert weights_file(source) == run.weights


def test_altered_weights_are_refused():
    """By the run's own digests."""
    run = stored()
    run.weights.write_text("waights")
    with pytest.raises(CorruptWeights, match="its bytes have changed"):
        weights_file("one")


def test_weights_of_a_damaged_run_are_refused():
    """Without its record nobody knows whether they are the ones that were stored."""
    run = stored()
    (run.path / "run.json").write_text("{}")
    with pytest.raises(CorruptWeights, match="can't be verified"):
        weights_file("one")


def test_a_run_without_weights_says_so():
    """With its state."""
    RunWriter.create("one", "stem", "", {}).finish("failed")
    with pytest.raises(UsageError, match="one is failed and has stored no weights"):
        weights_file("one")


def test_a_run_that_has_lost_its_weights_says_so():
    """It is not one that never had any."""
    stored().weights.unlink()
    with pytest.raises(UsageError, match=r"one has lost its model.safetensors.*zoo train .*recipe"):
        weights_file("one")


def test_files_that_are_no_safetensors_are_told_what_to_do(tmp_path):
    """Those that are missing, too."""
    (tmp_path / "net.pth").touch()
    with pytest.raises(UsageError, match="load_weights"):
        weights_file(tmp_path / "net.pth")
    with pytest.raises(UsageError, match="there is no file"):
        weights_file(tmp_path / "none.pth")
    with pytest.raises(UnknownName, match="no run 'nothing'"):
        weights_file("nothing")


def test_a_run_where_a_file_is_wanted_and_the_other_way_round(tmp_path):
    """Each is told as what it is."""
    stored()
    with pytest.raises(UsageError, match="one is a run, not a file: `zoo export one --format pth`"):
        weight_file("one", any_suffix=True)
    (tmp_path / "net.pth").touch()
    with pytest.raises(UnknownName, match="is a file, and only a run will do"):
        find_run(str(tmp_path / "net.pth"))


@pytest.mark.parametrize("name", ["con", "NUL", "aux.txt", "com1", "Lpt9.x.y", "prn"])
def test_names_of_devices_are_refused_and_never_made(name):
    """Windows would open the device."""
    with pytest.raises(UsageError, match=f"can't be called {name!r}"):
        require_free(name)
    assert RunWriter.create(None, name, "", {}).name == f"run-{name}-1"


@pytest.mark.parametrize("name", ["console", "com", "com10", "nul-1", "a.con"])
def test_names_that_only_resemble_devices_are_free(name):
    """Nothing more is forbidden than must be."""
    require_free(name)


def test_runs_and_data_count_the_same_cores():
    """What a run records is what its training could use."""
    assert machine_facts()["cpus"] == usable_cores() >= 1
