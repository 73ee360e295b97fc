"""What the plugin `track` offers, and that nothing is imported of it before it is named."""

import subprocess
import sys

import pytest

import zoo
import zoo_registry

LIBRARIES = {"tensorboard", "mlflow", "wandb"}
PROGRAM = """
import sys
from zoo.cli import main
for name in {missing}:
    sys.modules[name] = None  # as if it were not installed
sys.argv = ["zoo", *sys.argv[1:]]
try:
    main()
finally:
    print("imported:", *sorted(sys.modules), file=sys.stderr)
"""


def command(*arguments, missing=()):
    """Run `zoo` without some libraries: its exit code, its outputs, the modules it imported."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(missing=list(missing)), *arguments],
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    said, _, imported = done.stderr.rpartition("imported:")
    return done.returncode, done.stdout, said, set(imported.split())


def test_a_list_of_trackers_imports_none():
    """Neither their libraries nor the modules that use them, nor torch."""
    code, printed, _, imported = command("list", "--kind", "tracker", "--plugin", "track")
    assert code == 0
    names = [line.split()[0] for line in printed.splitlines()[1:]]
    assert names == ["track/mlflow", "track/tensorboard", "track/wandb"]
    assert not {*LIBRARIES, "torch", "zoo_track.tensorboard"} & imported


@pytest.mark.parametrize("name", sorted(LIBRARIES))
def test_options_are_shown_without_the_library(name):
    """They are read from the source, and written as they are typed."""
    code, printed, _, imported = command("info", name, missing=LIBRARIES)
    assert code == 0
    assert f"--set track.{name}.NAME=VALUE" in printed
    assert f"zoo_track.{name}" not in imported
    entry = zoo_registry.load().find("tracker", name)
    assert all(option.annotation for option in zoo_registry.options_of(entry.spec).options)


def test_a_mistyped_tracker_is_answered_before_torch_is_imported():
    """With the nearest name."""
    code, _, said, imported = command("train", "mlp", "--track", "tensorbord")
    assert code == 2
    assert "no tracker named 'tensorbord'; closest: tensorboard" in said
    assert not {*LIBRARIES, "torch"} & imported


@pytest.mark.parametrize("name", sorted(LIBRARIES))
def test_a_missing_library_is_answered_before_the_data_are_read(name):
    """One line says what to install, and no run is begun; without --track nobody misses it."""
    flags = ("train", "mlp", "--dataset", "digits", "--epochs", "1", "--track", name)
    code, printed, said, _ = command(*flags, missing=[name])
    assert (code, printed) == (2, "")
    assert said.startswith(f"zoo: --track {name} needs a library that can't be imported (")
    assert said.endswith(f"); pip install 'zoo-registry[{name}]'\n")
    assert zoo.list_runs() == []


def test_nothing_of_a_tracker_is_imported_for_others():
    """A training that is not tracked imports no tracker, and misses none."""
    flags = ("train", "mlp", "--dataset", "digits", "--epochs", "1")
    code, _, said, imported = command(*flags, missing=LIBRARIES)
    assert (code, said) == (0, "")
    assert {name for name in imported if name.startswith("zoo_track")} <= {
        "zoo_track",
        "zoo_track.plugin",
    }
