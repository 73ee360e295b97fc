"""`zoo plugins new`: a package that is whole, named as it was asked for, or nothing at all."""

import ast
import json
import os
import subprocess
import sys
import tomllib

import pytest

from zoo.scaffold import Answers, check_author, check_spec_name, read_name, write_package
from zoo_registry import UsageError


def zoo(folder, *arguments):
    """Run `zoo plugins new` in a folder, with no terminal."""
    return subprocess.run(
        [sys.executable, "-m", "zoo", "plugins", "new", *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "ZOO_PLUGINS": "vision"},
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


def answers(**changes):
    """What a package is told about itself."""
    given = {"model": "tiny-net", "dataset": "two-moons", "optimizer": "slow.one", "author": "Ada"}
    return Answers(name=read_name("acme-zoo"), **given | changes)


def test_flags_are_what_it_is_made_of(tmp_path):
    """No question is asked where there is no terminal; every file is Python, TOML or text."""
    flags = ["--model", "deep-net", "--dataset", "half.moons", "--optimizer", "lion_2"]
    done = zoo(tmp_path, "Acme_Zoo", *flags, "--author", "Ada Løvelace", "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    folder = tmp_path / "acme-zoo"
    assert (facts["path"], facts["plugin"]) == (str(folder), "acme")
    written = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert written == set(facts["files"])
    assert {"LICENSE", "README.md", ".github/workflows/test.yml", "tests/test_plugin.py"} < written
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["authors"] == [{"name": "Ada Løvelace"}]
    assert project["entry-points"]["zoo"] == {"acme": "acme_zoo.plugin"}
    named = {
        node.name
        for file in folder.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef | ast.FunctionDef)
    }
    assert {"DeepNet", "half_moons", "Lion2"} <= named
    texts = "".join((folder / name).read_text(encoding="utf-8") for name in written)
    assert "{{" not in texts.replace("${{ matrix.python }}", "")
    assert "PACKAGE" not in texts + "".join(written)


def test_the_lines_to_type_next_are_the_end(tmp_path):
    """Where the folder is, and five lines that work there."""
    done = zoo(tmp_path, "acme-zoo", "--output", ".")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-5:] == [
        "  cd acme-zoo",
        "  pip install -e '.[test]'",
        "  zoo train acme/tiny-net",
        "  zoo plugins check acme",
        "  pytest",
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["taken"], "taken exists already; choose another name, or --output DIR"),
        (["acme-zoo", "--output", "nowhere"], "nowhere is no folder; create it first"),
        (["vision-zoo"], "a plugin named 'vision' is installed already (zoo-registry"),
        (["3d zoo"], "'3d zoo' is no name for a package; take letters, digits and dashes"),
        (["json"], "json is taken already, as a module's name; try json-zoo"),
        (["acme-zoo", "--model", "Tiny Net"], "'Tiny Net' is no name for a model"),
        (["acme-zoo", "--author", 'A "B" C'], "is no author's name"),
    ],
)
def test_what_can_not_be_is_said_and_nothing_is_written(tmp_path, arguments, said):
    """Exit code 2, and not a file more than before."""
    (tmp_path / "taken").mkdir()
    done = zoo(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert [path.name for path in tmp_path.iterdir() if path.name != "zoo-home"] == ["taken"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals")
def test_a_terminal_is_asked(tmp_path):
    """Each question has an answer to begin with; a wrong one is asked again."""
    keyboard, terminal = os.openpty()
    os.write(keyboard, b"Deep Net\ndeep-net\n\n\nAda\n")
    done = subprocess.run(
        [sys.executable, "-m", "zoo", "plugins", "new", "acme-zoo"],
        cwd=tmp_path,
        stdin=terminal,
        env={**os.environ, "ZOO_PLUGINS": ""},
        check=False,
        capture_output=True,
        text=True,
    )
    os.close(keyboard)
    os.close(terminal)
    assert done.returncode == 0, done.stderr
    assert "'Deep Net' is no name for a model" in done.stderr
    for question in ("model [tiny-net]", "dataset [two-moons]", "optimizer [heavy-ball]"):
        assert question in done.stderr
    assert 'name="deep-net"' in (tmp_path / "acme-zoo/acme_zoo/plugin.py").read_text()
    assert "Ada" in (tmp_path / "acme-zoo/LICENSE").read_text()


@pytest.mark.parametrize(
    ("text", "plugin", "package"),
    [
        ("acme-zoo", "acme", "acme_zoo"),
        ("zoo-acme", "acme", "zoo_acme"),
        ("Acme.Deep_nets", "acme-deep-nets", "acme_deep_nets"),
        ("zoology", "zoology", "zoology"),
    ],
)
def test_a_name_is_taken_apart(text, plugin, package):
    """As pip, Python and zoo each call it."""
    name = read_name(text)
    assert (name.plugin, name.package) == (plugin, package)


@pytest.mark.parametrize(
    "text", ["", "-acme", "acme-", "a b", "1st", "zoo", "torch", "äcme", "class"]
)
def test_a_name_that_can_not_be_is_refused(text):
    """Whether it is pip, Python or what is installed that would not have it."""
    with pytest.raises(UsageError):
        read_name(text)


@pytest.mark.parametrize("text", ["", "Net", "a--b--", "3d", "a/b", "import", "ü"])
def test_a_spec_name_that_can_not_be_is_refused(text):
    """Code is named after it, too."""
    with pytest.raises(UsageError):
        check_spec_name(text)


@pytest.mark.parametrize("text", ["", "  ", "a\nb", "{{model}}", "back\\slash"])
def test_an_author_that_would_break_a_file_is_refused(text):
    """It stands in TOML and in a licence."""
    with pytest.raises(UsageError):
        check_author(text)


def test_nothing_is_left_of_a_package_that_could_not_be_written(tmp_path, monkeypatch):
    """A disk that refuses the seventh file leaves no half of a package."""
    import zoo.scaffold._write as module
    from zoo.errors import StorageError

    written = []

    def refuse(file, text):
        written.append(file)
        if len(written) == 7:
            raise StorageError("no space left")
        return real(file, text)

    real = module.write_text
    monkeypatch.setattr(module, "write_text", refuse)
    with pytest.raises(StorageError):
        write_package(answers(), tmp_path / "acme-zoo")
    assert [path for path in tmp_path.iterdir() if "acme" in path.name] == []
