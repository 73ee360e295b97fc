"""What the pages show of trackers runs."""

import os
import subprocess
import sys

import pytest
from markdown_pages import blocks, code, page, rows, sections

import zoo_registry
from zoo_registry import options_of


def python(folder, *arguments):
    """Run Python in `folder`, where the guide's tracker is installed."""
    settings = {
        "ZOO_HOME": str(folder / "home"),
        "PYTHONPATH": str(folder),
        "WANDB_MODE": "offline",
    }
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, **settings},
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


def test_the_guides_tracker_writes_its_list(tmp_path):
    """Installed and switched on, with an option."""
    (block,) = [block for block in blocks(page("plugins")) if block.title == "notes.py"]
    (tmp_path / "notes.py").write_text(block.text)
    metadata = tmp_path / "notes-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.4\nName: notes\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[zoo]\nnotes = notes\n")
    flags = ("--dataset", "digits", "--epochs", "2", "--name", "noted", "--track", "markdown")
    option = "track.markdown.digits=2"
    done = python(tmp_path, "-m", "zoo", "train", "mlp", *flags, "--set", option)
    assert (done.returncode, done.stderr) == (0, "")
    heading, first, second = (tmp_path / "notes.md").read_text().splitlines()
    assert heading == "# noted"
    assert first.startswith("1. train_loss 0.")
    assert second.startswith("2. ")
    assert "accuracy 0." in second


def test_every_option_of_the_trackers_is_explained():
    """In the page's table, for the trackers that have it."""
    table = [(code(row[0]), code(row[1])) for row in rows(sections(page("tracking"))["Options"])]
    explained = {(tracker, name) for names, of in table for name in names for tracker in of}
    entries = zoo_registry.load(only=["track"]).select(kind="tracker")
    assert explained == {
        (entry.spec.name, option.name)
        for entry in entries
        for option in options_of(entry.spec).options
    }


def test_the_page_on_tracking_runs(tmp_path):
    """Its Python, as it is typed."""
    pytest.importorskip("tensorboard", reason="pip install 'zoo-registry[tensorboard]'")
    (block,) = blocks(page("tracking"), "python")
    (tmp_path / "page.py").write_text(block.text, encoding="utf-8")
    done = python(tmp_path, "page.py")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list((tmp_path / "logs").glob("*/events.out.tfevents.*"))
