"""What the page about weights shows runs, in order, and prints what it shows."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "weights.md"


def blocks(language):
    text = PAGE.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def run(folder, *arguments):
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"},
    )
    assert done.returncode == 0, done.stderr
    return done


def test_the_page_runs(tmp_path):
    """Its Python, block after block; then its commands, on the files that the Python has left."""
    (tmp_path / "page.py").write_text("".join(blocks("python")), encoding="utf-8")
    done = run(tmp_path, "-W", "error", "page.py")
    assert done.stdout.startswith("net.safetensors: loaded 4 of 4 tensors, 100.0% of the param")
    commands = [
        found
        for block in blocks("console")
        for found in re.findall(r"^\$ zoo (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)
    ]
    assert len(commands) >= 3
    for line, output in commands:
        done = run(tmp_path, "-m", "zoo", *shlex.split(line))
        assert done.stdout == output or not output
    assert "vision/mlp" in done.stdout, "the last of them describes what was converted"
