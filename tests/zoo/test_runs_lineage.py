"""A run says where it comes from: the commit, the versions, what of the environment counts."""

import getpass
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from made_runs import begun, printed_by, start_python

from zoo.runs import code_revision, lineage
from zoo.runs._lineage import _driver, _gpus

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")


def git(*arguments):
    """Run git as somebody, in the current folder."""
    names = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    done = subprocess.run(
        ["git", *names, *arguments], check=True, capture_output=True, text=True, env=os.environ
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository with a commit, in which we are."""
    folder = tmp_path / "code"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    git("init", "-q")
    (folder / "train.py").write_text("pass\n")
    git("add", ".")
    git("commit", "-q", "-m", "first")
    return folder


@needs_git
def test_the_commit_is_recorded(repository, monkeypatch):
    """Of the current folder, wherever in the repository it is."""
    commit = git("rev-parse", "HEAD")
    assert code_revision() == {"commit": commit, "dirty": False}
    (repository / "deeper").mkdir()
    monkeypatch.chdir("deeper")
    assert code_revision() == {"commit": commit, "dirty": False}


@needs_git
def test_code_that_was_changed_is_dirty(repository):
    """Staged or not; a file that git does not know is no part of the code."""
    (repository / "notes.txt").write_text("")
    assert code_revision()["dirty"] is False
    (repository / "train.py").write_text("import this\n")
    assert code_revision()["dirty"] is True
    git("add", ".")
    assert code_revision()["dirty"] is True


@needs_git
def test_without_a_commit_there_is_no_revision(tmp_path, monkeypatch):
    """No repository, a fresh one, a broken one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert code_revision() is None
    git("init", "-q")
    assert code_revision() is None
    (tmp_path / ".git" / "HEAD").write_text("nonsense")
    assert code_revision() is None


@needs_git
def test_a_hook_of_another_repository_does_not_mislead(repository, tmp_path, monkeypatch):
    """Git tells its hooks by the environment where they belong, and they may start trainings."""
    commit = git("rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other"))
    assert code_revision() == {"commit": commit, "dirty": False}


@needs_git
def test_nothing_is_written_into_the_repository(repository):
    """Asking must not get into the way of one who commits at the same time."""
    os.utime(repository / "train.py", (1e9, 1e9))  # git would note the new time
    before = (repository / ".git" / "index").read_bytes()
    code_revision()
    assert (repository / ".git" / "index").read_bytes() == before


def test_without_git_there_is_no_revision(monkeypatch, tmp_path):
    """Many machines that train have none."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert code_revision() is None


@pytest.mark.skipif(os.name == "nt", reason="a script stands for git")
@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("exec sleep 60", None),
        ('case "$*" in *status*) exec sleep 60;; esac; echo abc', {"commit": "abc", "dirty": None}),
        ("exit 3", None),
        ("printf '\\377'", {"commit": "\ufffd", "dirty": True}),
    ],
)
def test_git_is_not_waited_for(script, found, monkeypatch, tmp_path):
    """A repository can be of any size, on any disk; a training is to begin."""
    (tmp_path / "git").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "git").chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr("zoo.runs._revision._PATIENCE", 0.5)
    assert code_revision() == found


def test_a_folder_that_was_removed_has_no_revision(tmp_path):
    """The training does not need it."""
    code = """
        import os, sys
        from zoo.runs import code_revision
        os.rmdir(os.getcwd())
        print(code_revision())
    """
    folder = tmp_path / "gone"
    folder.mkdir()
    script = f"import os; os.chdir({str(folder)!r})\n" + "\n".join(
        line.strip() for line in code.splitlines()
    )
    if os.name == "nt":
        pytest.skip("a folder in use can't be removed there")
    assert printed_by(start_python(script)).strip() == "None"


def test_versions_are_those_that_compute():
    """As the libraries themselves say where they are loaded, with what they were built for."""
    versions = lineage()["versions"]
    assert versions["python"] == ".".join(map(str, sys.version_info[:3]))
    assert versions["zoo-registry"] == version("zoo-registry")
    for name in ("torch", "torchvision", "numpy", "safetensors"):
        assert versions[name].partition("+")[0] == version(name).partition("+")[0]
    code = """
        import torch
        from zoo.runs import lineage
        print(lineage()["versions"]["torch"] == str(torch.__version__))
        print(lineage()["environment"]["cuda"] == torch.version.cuda)
    """
    assert printed_by(start_python(code)).split() == ["True", "True"]


def test_asking_imports_nothing():
    """What is not loaded computes nothing."""
    code = """
        import sys
        from zoo.runs import lineage
        assert lineage()["environment"]["cuda"] is None
        print(*sorted({"torch", "numpy"} & set(sys.modules)))
    """
    assert printed_by(start_python(code)).strip() == ""


def test_variables_that_may_change_numbers_are_recorded(monkeypatch):
    """Those that are set; others tell of the user, and are nobody's business."""
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("SECRET_TOKEN", "abc")
    monkeypatch.delenv("MKL_CBWR", raising=False)
    variables = lineage()["environment"]["variables"]
    assert variables["OMP_NUM_THREADS"] == "3"
    assert not {"SECRET_TOKEN", "MKL_CBWR", "HOME", "PATH"} & set(variables)


def test_a_parent_is_recorded_where_there_is_one():
    """The run whose weights it begins with."""
    assert lineage()["parent"] is None
    assert begun("two", "", **lineage("one")).run.record["parent"] == "one"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15 2023",
            "535.104.05",
        ),
        (
            "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build",
            "580.65.06",
        ),
        ("something else", None),
        (None, None),
    ],
)
def test_the_driver_is_what_linux_tells(tmp_path, text, found):
    """Of both kinds of NVIDIA's driver; elsewhere it is not known."""
    if text is not None:
        (tmp_path / "version").write_text(text + "\nGCC version:  gcc 12\n")
    assert _driver(tmp_path) == found


def test_the_gpus_are_what_linux_tells(tmp_path):
    """By name, in the order of their places; where there are none, it is not known."""
    assert _gpus(tmp_path) is None
    for place, name in (("0000:02:00.0", "NVIDIA B"), ("0000:01:00.0", "NVIDIA A 80GB")):
        folder = tmp_path / "gpus" / place
        folder.mkdir(parents=True)
        (folder / "information").write_text(f"Model: \t\t {name}\nIRQ:   \t\t 7\n")
    assert _gpus(tmp_path) == ["NVIDIA A 80GB", "NVIDIA B"]


def test_lineage_names_nobody():
    """It goes to other people with the weights."""
    text = str(lineage())
    assert str(Path.home()) not in text
    if getpass.getuser() not in ("root", "user"):
        assert getpass.getuser() not in text
