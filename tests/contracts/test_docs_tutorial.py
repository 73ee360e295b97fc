"""The tutorial is followed to the letter, and the pages on plugins name what there is."""

import os
import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest
from markdown_pages import ROOT, blocks, code, page, rows, sections

from zoo.conformance._plan import CHECKS

SCRIPTS = {
    "zoo": "-P -m zoo",
    "pytest": "-P -m pytest -p no:cacheprovider",
}
"""What stands in an environment's folder of programs, as arguments of its Python."""


def environment(folder):
    """Make an environment with this one's packages in it, and no network; return its variables."""
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    where = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    packages = subprocess.run(where, check=True, capture_output=True, text=True).stdout.strip()
    borrowed = [entry for entry in sys.path if Path(entry).name == "site-packages"]
    lines = "".join(f"import site; site.addsitedir({entry!r})\n" for entry in borrowed)
    (Path(packages) / "borrowed.pth").write_text(lines)
    programs = {name: f"{python} {words}" for name, words in SCRIPTS.items()}
    programs["pip"] = f"{sys.executable} -m pip --python {python}"
    for name, words in programs.items():
        script = folder / "bin" / name
        script.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
        script.chmod(0o755)
    return os.environ | {
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "ZOO_PLUGINS": "arrays,optim,vision,acme",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
        "PIP_NO_INDEX": "1",
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip reads it the other way round: pypa/pip#5735
        "PIP_NO_CACHE_DIR": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


def write(file, block):
    """Write a block over a file; a block of one line is that line of it."""
    text = block.text
    if text.count("\n") == 1:
        start = text.partition("=")[0] + "="
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        assert [line for line in lines if line.startswith(start)] != [text]
        text = "".join(text if line.startswith(start) else line for line in lines)
    file.write_text(text, encoding="utf-8")


def steps(block):
    """The command lines of a block, each with what is shown below it."""
    return re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block.text, re.MULTILINE)


def masked(text):
    """Lines without what may differ from machine to machine: numbers, and the width of columns."""
    return [re.sub(r"[0-9][0-9.,]*", "#", " ".join(line.split())) for line in text.splitlines()]


def is_shown(shown, printed):
    """Whether what is shown was printed, in that order; a line of … stands for any number."""
    rest = iter(masked(printed))
    return all(line in rest for line in masked(shown) if line != "…")


@pytest.mark.skipif(os.name == "nt", reason="its lines are those of a POSIX shell")
def test_the_tutorial_can_be_followed(tmp_path):
    """From `zoo plugins new` to a wheel: every line is typed, every file is written as shown."""
    variables = environment(tmp_path / "environment")
    folder, typed = tmp_path, 0
    for block in blocks(page("tutorial")):
        if block.language == "python":
            write(folder / block.title, block)
        for line, shown in steps(block) if block.language == "console" else []:
            if line.startswith("cd "):
                folder /= line.removeprefix("cd ")
                continue
            done = subprocess.run(
                ["bash", "-c", line],
                cwd=folder,
                env=variables,
                stdin=subprocess.DEVNULL,
                check=False,
                capture_output=True,
                text=True,
                encoding="utf-8",
            )
            said = done.stdout + done.stderr
            assert done.returncode == ("FAILED" in shown), f"{line}\n{said}"
            assert is_shown(shown, said), f"{line}\n{said}"
            typed += 1
    assert typed == 10
    assert (folder / "badge.svg").read_text(encoding="utf-8").startswith("<svg ")
    assert [wheel.name for wheel in (folder / "dist").iterdir()] == [
        "acme_zoo-0.1.0-py3-none-any.whl"
    ]


def test_what_is_not_printed_is_noticed():
    """The comparison above sees a missing line, and lines in another order."""
    assert is_shown("a  1.5\n…\nc\n", "a 2\nb\nc\n")
    assert not is_shown("c\na 1\n", "a 1\nc\n")
    assert not is_shown("a\nd\n", "a\nc\n")


def test_the_package_in_the_tutorial_is_the_one_that_is_written():
    """Its test of three lines is shown as it is."""
    template = ROOT / "zoo" / "zoo" / "scaffold" / "template" / "tests" / "test_plugin.py.in"
    (shown,) = [b.text for b in blocks(page("tutorial")) if b.title == "tests/test_plugin.py"]
    assert template.read_text(encoding="utf-8").replace("{{plugin}}", "acme") == shown


def test_every_check_is_explained():
    """In the order in which they are tried; the changelog has their number."""
    table = [(row[0], row[1]) for row in rows(sections(page("plugins"))["The conformance kit"])]
    kinds = [kind for kind, checks in CHECKS.items() for _ in checks]
    titles = [title for checks in CHECKS.values() for title, _ in checks]
    assert [title for _, title in table] == titles
    named = [of.split()[-1] if of else "" for of, _ in table]
    assert named == ["" if kinds[:i].count(kind) else kind for i, kind in enumerate(kinds)]
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"tries {len(titles)} things" in changes


def test_every_first_party_plugin_is_in_the_index():
    """By the name of its entry point."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    listed = {code(row[0])[0] for row in rows(sections(page("plugin-index"))["Plugins"])}
    assert listed == set(project["entry-points"]["zoo"])
    needs = " ".join(row[2] for row in rows(sections(page("plugin-index"))["Plugins"]))
    extras = set(re.findall(r"\[([a-z]+)\]", needs))
    assert extras <= set(project["optional-dependencies"])
