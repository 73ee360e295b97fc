"""Runs as tests need them: made in no time, with weights that nobody reads."""

import io
import json
import subprocess
import sys
import textwrap
import warnings
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

import pytest

from zoo._files import write_text
from zoo._sealed import seal, unseal
from zoo.cli import main
from zoo.home import runs_dir
from zoo.runs import Run, RunWriter, open_run

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals and limits")


def begun(name: str, recipe: str = "", **record) -> RunWriter:
    """Begin a run in this process."""
    return RunWriter.create(name, "", recipe or f'model = "vision/{name}"\n', record)


def made(name: str, state: str = "done", *, recipe: str = "", weights: str = "", **record) -> Run:
    """Make a run with weights of its own and a line of history."""
    writer = begun(name, recipe)
    writer.add_file(write_text(writer.path / "model.safetensors", weights or f"of {name}"))
    writer.append_metrics({"epoch": 1})
    return writer.finish(state, **record)


def rewrite(folder: Path, **entries) -> None:
    """Change a record behind its writer's back, with a seal that holds."""
    file = folder / "run.json"
    file.write_text(seal({**unseal(file.read_bytes()), **entries}), encoding="utf-8")


def flip(file: Path, bit: int) -> None:
    """Flip one bit of a file in place."""
    data = bytearray(file.read_bytes())
    data[bit // 8] ^= 1 << (bit % 8)
    file.write_bytes(data)


def start_python(code: str, *arguments: object) -> subprocess.Popen:
    """Start Python on a piece of code."""
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def printed_by(process: subprocess.Popen) -> str:
    """Wait for a process that must succeed; return what it printed."""
    printed, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return printed


def killed(name: str) -> Run:
    """Make a run whose process has died, with weights and a line of history."""
    code = """
        import sys
        from zoo._files import write_text
        from zoo.runs import RunWriter

        writer = RunWriter.create(sys.argv[1], "", 'model = "a"', {})
        writer.add_file(write_text(writer.path / "model.safetensors", "weights"))
        writer.append_metrics({"epoch": 1})
    """
    printed_by(start_python(code, name))
    return open_run(runs_dir() / name)


def zoo(*arguments: object, code: int = 0) -> str:
    """Run the command line in this process, which must end with `code`.

    Returns what it printed: on stdout, and where it was to fail, on stderr.
    """
    printed, said = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(sys, "argv", ["zoo", *map(str, arguments)]),
        warnings.catch_warnings(),  # puts back what `main` sets
        redirect_stdout(printed),
        redirect_stderr(said),
        pytest.raises(SystemExit) as end,
    ):
        main()
    assert end.value.code == code, said.getvalue()
    return said.getvalue() if code else printed.getvalue()


def listed(*arguments: object) -> list[str]:
    """Return the names of the runs that `zoo runs` lists."""
    return [row["name"] for row in json.loads(zoo("runs", *arguments, "--json"))]
