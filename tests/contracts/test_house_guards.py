"""What watches over every test does notice."""

import os
import shutil
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"


def outcome(tmp_path, source, **environment):
    """Run `source` as a test module under this project's conftest; return what pytest printed."""
    shutil.copy(CONFTEST, tmp_path / "conftest.py")
    (tmp_path / "test_it.py").write_text(textwrap.dedent(source), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rsE", "-p", "no:cacheprovider", "test_it.py"],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
        env={k: v for k, v in os.environ.items() if k != "ZOO_TEST_DATA"} | environment,
    )
    return done.stdout + done.stderr


def test_what_a_test_leaves_behind_fails_it(tmp_path):
    """The environment, threads, signals and sys.path are compared; the next test starts clean."""
    said = outcome(
        tmp_path,
        """
        import os, signal, sys, threading

        def test_environment():
            os.environ["LEFT"] = "1"

        def test_clean():
            assert "LEFT" not in os.environ

        def test_signal():
            signal.signal(signal.SIGTERM, lambda *_: None)

        def test_path():
            sys.path.append("left")

        def test_folder(tmp_path):
            os.chdir(tmp_path)

        def test_thread():
            threading.Thread(target=threading.Event().wait, args=[20], daemon=True).start()
        """,
    )
    assert "6 passed, 4 errors" in said
    for name in ("test_environment", "test_signal", "test_path", "test_thread"):
        assert f"ERROR test_it.py::{name}" in said


def test_settings_of_torch_left_behind_fail_the_test(tmp_path):
    """Also in the test that was the first to import torch."""
    said = outcome(
        tmp_path,
        """
        def test_first():
            import torch
            torch.set_default_dtype(torch.float64)

        def test_second():
            import torch
            torch.use_deterministic_algorithms(True)

        def test_third():
            pass
        """,
    )
    assert "3 passed, 2 errors" in said
    assert "default dtype" in said
    assert "deterministic algorithms" in said


def test_only_this_machine_is_reached():
    """Neither by address nor by name; an `except OSError` does not hide the attempt."""
    with pytest.raises(pytest.fail.Exception, match=r"tried to reach 192\.0\.2\.1"):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
    with pytest.raises(pytest.fail.Exception, match=r"tried to reach zoo\.example"):
        socket.getaddrinfo("zoo.example", 80)
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()


def test_what_is_missing_is_said_when_tests_are_skipped(tmp_path):
    """The skip of tests on real data says what to set; a slip in it is no skip."""
    source = """
        import pytest

        @pytest.mark.real_data
        def test_data(data_root):
            assert data_root.is_absolute()
        """
    assert "1 skipped" in (said := outcome(tmp_path, source))
    assert "set ZOO_TEST_DATA to" in said
    (tmp_path / "data").mkdir()
    assert "1 passed" in outcome(tmp_path, source, ZOO_TEST_DATA="data")
    assert "is not a folder" in outcome(tmp_path, source, ZOO_TEST_DATA="dota")


def test_every_test_has_a_home_of_its_own(tmp_path):
    """Runs, data and caches of a test are below its own temporary folder; there is no network."""
    assert Path(os.environ["ZOO_HOME"]).is_relative_to(tmp_path)
    assert os.environ["ZOO_OFFLINE"] == os.environ["HF_HUB_OFFLINE"] == "1"
