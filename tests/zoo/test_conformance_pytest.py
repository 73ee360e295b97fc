"""`zoo_registry.testing`: three lines of an author's are a test for each check."""

import os
import subprocess
import sys

import pytest
from planted import SOUND_NET, SPECS

import zoo_registry
from zoo_registry import UsageError, testing

THREE_LINES = """
import pytest
@pytest.mark.zoo_plugin("planted", "net")
def test_plugin(zoo_check): zoo_check()
"""


@pytest.fixture
def run(planted, tmp_path):
    """Run pytest on a test module, with a plugin installed; return its exit code and output."""
    planted.install(SOUND_NET.replace(".relu())", ".relu()).squeeze(0)"), {"model": SPECS["model"]})
    folder = tmp_path / "package"
    folder.mkdir()

    def pytest_run(source, *arguments):
        (folder / "test_it.py").write_text(source)
        path = os.pathsep.join([str(planted.root), *filter(None, [os.environ.get("PYTHONPATH")])])
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-W", "error", *arguments],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": path, "ZOO_PLUGINS": "planted,optim"},
            check=False,
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stdout + done.stderr

    return pytest_run


def test_three_lines_are_a_test_for_each_check(run):
    """Named after what holds; a fault fails its test, what can't be tried is skipped."""
    code, said = run(THREE_LINES, "--strict-markers", "-rfs", "-v")
    assert code == 1
    assert "1 failed, 10 passed, 1 skipped" in said
    assert "test_plugin[planted/net: takes batches of any size] FAILED" in said
    assert "its outputs for 1 samples have shape (3,), not (1, 3)" in said
    assert "data not here: data (no dataset named 'data'" in said


def test_a_plugin_that_is_not_there_fails_its_test(run):
    """As does a test that names none."""
    code, said = run(THREE_LINES.replace('"planted", "net"', '"plantet"'))
    assert code == 1
    assert "no plugin named 'plantet' is installed; did you mean planted?" in said
    code, said = run("def test_plugin(zoo_check): zoo_check()")
    assert code == 1
    assert 'mark the test with @pytest.mark.zoo_plugin("name of your plugin")' in said


def test_others_tests_do_not_wait_for_it(run):
    """It is loaded in every run of pytest where zoo is installed, and brings next to nothing."""
    source = """
import sys
def test_nothing_was_imported():
    heavy = {"zoo", "torch", "numpy", "zoo_registry._registry"}
    assert "zoo_registry.testing" in sys.modules
    assert not heavy & set(sys.modules)
"""
    code, said = run(source)
    assert code == 0, said


def test_it_can_be_named_by_those_who_load_no_plugins(run):
    """Where pytest is told to load none by itself, `-p` brings it; named twice it is one."""
    code, said = run(THREE_LINES, "-p", "zoo_registry.testing", "-k", "gradient")
    assert code == 0, said
    assert "1 passed, 11 deselected" in said


def test_an_installation_without_the_kit_is_told_of(monkeypatch):
    """The contract alone, or metadata from before there was a kit: what to type is said."""
    assert zoo_registry.load  # imported, for below nothing can be
    assert callable(testing._kit())
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(UsageError, match="install zoo-registry again: pip install"):
        testing._kit()
