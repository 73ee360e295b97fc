"""The documentation says what there is: every name, and no other."""

import dataclasses
import inspect
import re
import shlex

import click
import pytest
from markdown_pages import (
    PAGES,
    README,
    ROOT,
    anchors,
    blocks,
    code,
    commands,
    page,
    rows,
    sections,
)

import zoo
import zoo_registry
from zoo import errors, metrics
from zoo.cli._main import cli
from zoo.recipe import AUGMENT, DEFAULT_LOSSES, FIELDS, PARTS
from zoo.recipe._plan import DEFAULTS
from zoo_registry import _hookspecs, options_of

EXAMPLE = ROOT / "tests" / "fixtures" / "acme-zoo"
SPECS = [
    zoo_registry.ModelSpec,
    zoo_registry.DatasetSpec,
    zoo_registry.OptimizerSpec,
    zoo_registry.LossSpec,
    zoo_registry.SchedulerSpec,
    zoo_registry.TrackerSpec,
]
HOSTS = {
    "arxiv.org",
    "click.palletsprojects.com",
    "doi.org",
    "keepachangelog.com",
    "semver.org",
}
"""The hosts that pages may link to: none of them is a registry of packages."""


def walk(command, path="zoo"):
    """Every command below `command` that is zoo's own, by its path."""
    found = {path: command}
    if isinstance(command, click.Group):
        context = click.Context(command, info_name="zoo")
        for name in command.list_commands(context):
            found |= walk(command.get_command(context, name), f"{path} {name}")
    return found


COMMANDS = walk(cli)


def flags(command):
    """The long flags of a command, as they are written."""
    options = [param for param in command.params if isinstance(param, click.Option)]
    written = {flag for option in options for flag in (*option.opts, *option.secondary_opts)}
    return {flag for flag in written if flag.startswith("--")}


@pytest.fixture(scope="module")
def registry():
    """The first-party plugins, without those that happen to be installed."""
    return zoo_registry.load(only=["arrays", "optim", "vision"])


def test_every_hook_is_explained():
    """With the arguments it is given; what is explained is a hook."""
    hooks = {
        f"{name}({', '.join(inspect.signature(hook).parameters)})"
        for name, hook in vars(_hookspecs).items()
        if name.startswith("zoo_")
    }
    assert {
        cell for row in rows(sections(page("plugins"))["Hooks"]) for cell in code(row[0])
    } == hooks


@pytest.mark.parametrize("name", zoo.__all__)
def test_every_function_of_zoo_is_explained(name):
    """Called by its full name in some page."""
    pages = "".join(path.read_text(encoding="utf-8") for path in PAGES)
    assert re.search(rf"\bzoo\.{name}\b", pages)


def test_no_function_is_explained_that_zoo_lacks():
    """Neither `zoo.resume` nor another that is yet to come."""
    named = {
        name
        for path in PAGES
        for name in re.findall(
            # Not what is the name of a file: `completions/zoo.fish`.
            r"(?<!/)\bzoo\.([a-z_]+|[A-Z]\w+)\b(?!\.)",
            path.read_text(encoding="utf-8"),
        )
    }
    assert named <= set(zoo.__all__)


@pytest.mark.parametrize("name", zoo_registry.__all__)
def test_every_name_of_the_contract_is_explained(name):
    """The author's guide has all that a plugin may import."""
    guide = page("plugins")
    quoted = " ".join([*code(guide), *(block.text for block in blocks(guide, "python"))])
    assert re.search(rf"\b{name}\b", quoted)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.kind)
def test_every_field_of_a_spec_is_explained(spec):
    """In the guide's table, for the kinds that have it."""
    table = {code(row[0])[0]: row[1] for row in rows(sections(page("plugins"))["Specs"])}
    fields = {field.name for field in dataclasses.fields(spec)}
    assert {
        name for name, of in table.items() if of == "all" or spec.__name__ in code(of)
    } == fields


def test_every_field_of_splits_is_explained():
    """And no other."""
    table = rows(sections(page("plugins"))["Datasets"])
    fields = {field.name for field in dataclasses.fields(zoo_registry.Splits)}
    assert {name for row in table for name in code(row[0])} == fields


def test_every_error_for_authors_has_its_exit_code():
    """As the class has it."""
    for cells in rows(sections(page("plugins"))["Errors"]):
        error = getattr(zoo_registry, code(cells[0])[0].removeprefix("zoo_registry."))
        assert error.exit_code == int(cells[1])


@pytest.mark.parametrize("path", [path for path in COMMANDS if path != "zoo"])
def test_every_flag_of_a_command_is_explained(path):
    """A command has a section of its own; the flags in it are those it has."""
    table = rows(sections(page("cli"))[path])
    explained = {flag for row in table for flag in re.findall(r"--[a-z-]+", row[0])}
    assert explained == flags(COMMANDS[path])


def test_no_command_is_explained_that_there_is_not():
    """Sections and commands are the same."""
    explained = {name for name in sections(page("cli")) if name.startswith("zoo ")}
    assert explained == set(COMMANDS) - {"zoo"}


def test_global_flags_are_explained():
    """Those of the program itself."""
    told = sections(page("cli"))["The command line"]
    assert all(f"`{flag}`" in told for flag in [*flags(cli), "--debug", "--json", "--help"])


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_command_lines_can_be_typed(path):
    """Every `$ zoo …` is a command with flags that it has, and keys that recipes have."""
    for line, _ in commands(path.read_text(encoding="utf-8")):
        words = shlex.split(line)
        command = COMMANDS.get(" ".join(words[:3])) or COMMANDS.get(" ".join(words[:2]))
        if command is None:
            assert words[1] in ("logbook", "COMMAND"), line
            continue
        assert {word for word in words if word.startswith("--")} <= flags(command) | {"--help"}, (
            line
        )
        keys = [words[i + 1].partition("=")[0] for i, word in enumerate(words) if word == "--set"]
        parts = (*PARTS, AUGMENT, "track")
        assert all(key in FIELDS or key.partition(".")[0] in parts for key in keys), line


def test_exit_codes_are_those_of_the_errors():
    """Every code that some error ends with, and 0."""
    explained = {int(row[0]) for row in rows(sections(page("cli"))["Exit codes"])}
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    ends = {kind.exit_code for kind in kinds if issubclass(kind, zoo_registry.ZooError)}
    stopped = {errors.Stopped("").exit_code, 130}
    assert explained == {0} | ends | stopped


def test_every_variable_of_the_environment_is_explained():
    """Those that the sources read; the README names them too."""
    sources = [
        path for name in ("zoo", "registry", "plugins") for path in (ROOT / name).rglob("*.py")
    ]
    read = {
        name
        for path in sources
        for name in re.findall(r"environ[^\n]*?\"(ZOO_[A-Z]+)\"", path.read_text(encoding="utf-8"))
    }
    explained = {code(row[0])[0] for row in rows(sections(page("cli"))["Environment"])}
    assert explained == read
    assert all(name in README.read_text(encoding="utf-8") for name in read)


def test_every_field_of_a_recipe_is_explained():
    """All of them, with the defaults that hold."""
    table = {code(row[0])[0]: row for row in rows(sections(page("recipes"))["Fields"])}
    assert set(table) == set(FIELDS)
    shown = {name: code(row[2])[0] for name, row in table.items() if code(row[2])}
    assert shown == {name: str(value) for name, value in DEFAULTS.items()}
    assert set(code(table["loss"][3])) == set(DEFAULT_LOSSES.values())


def test_every_key_of_a_part_is_explained():
    """`model.*` and its like."""
    table = rows(sections(page("recipes"))["Keys"])
    keys = [key for row in table for key in code(row[0]) if key.endswith(".*")]
    assert keys == [f"{part}.*" for part in (*PARTS, AUGMENT)]


@pytest.mark.parametrize(("heading", "kind"), [("Schedulers", "scheduler"), ("Losses", "loss")])
def test_options_of_schedulers_and_losses_are_those_they_have(registry, heading, kind):
    """With their defaults."""
    table = rows(sections(page("recipes"))[heading])
    told = {code(row[0])[0]: {text for text in code(row[-1]) if "=" in text} for row in table}
    have = {
        entry.spec.name: {f"{o.name}={shown(o.default)}" for o in options_of(entry.spec).options}
        for entry in registry.select(kind=kind)
    }
    assert told == have


@pytest.mark.parametrize(("heading", "name"), [("Folders of images", "folder"), ("Arrays", "npz")])
def test_options_of_own_data_are_those_they_have(registry, heading, name):
    """With their defaults, in the table below their layout; the path is in the name."""
    told = {code(row[0])[0]: code(row[1])[0] for row in rows(sections(page("data"))[heading])}
    options = options_of(registry.find("dataset", name).spec).options
    assert told == {o.name: shown(o.default) for o in options if o.name != "path"}


def shown(default):
    """A default as the pages write it."""
    return str(default).replace(" ", "")


def test_every_dataset_is_explained(registry):
    """By its name, and below which folder its files are looked for."""
    table = {
        code(row[0])[0].partition(":")[0]: row for row in rows(sections(page("data"))["Datasets"])
    }
    entries = {entry.spec.name: entry.spec for entry in registry.select(kind="dataset")}
    assert set(table) == set(entries)
    for name, spec in entries.items():
        folders = {file.rpartition("/")[0] for file in spec.files}
        assert {text.rpartition("/")[0] for text in code(table[name][2])} == folders


def test_every_metric_is_explained():
    """By task, in the order in which they are computed."""
    table = {code(row[0])[0]: code(row[2]) for row in rows(sections(page("data"))["Tasks"])}
    assert table == {task: list(metrics.names(task)) for task in DEFAULT_LOSSES}


def test_numbers_in_the_readme_hold(registry):
    """So many optimizers and schedulers come along."""
    text = " ".join(README.read_text(encoding="utf-8").split())
    for kind in ("optimizer", "scheduler"):
        assert f" {len(registry.select(kind=kind))} {kind}s" in text


def test_the_documented_plugin_is_the_fixture():
    """Blocks that name one of its files are that file; each file but the empty one is shown."""
    shown_files = set()
    for text in (README.read_text(encoding="utf-8"), page("plugins")):
        for block in blocks(text):
            file = EXAMPLE / block.title
            if block.title and file.is_file():
                assert block.text == file.read_text(encoding="utf-8"), block.title
                shown_files.add(block.title)
    files = {path.relative_to(EXAMPLE).as_posix() for path in EXAMPLE.rglob("*.[pt][yo]*")}
    assert shown_files == {file for file in files if "__" not in file}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(path):
    """To a file that is there, to a heading that it has, or to a host that is known."""
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if "://" in link:
            assert link.split("/")[2] in HOSTS, link
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), link


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_no_page_tells_where_it_was_written(path):
    """Neither a registry of packages, nor a folder of somebody's machine."""
    text = path.read_text(encoding="utf-8")
    hosts = set(re.findall(r"https?://([^/\s)>\"]+)", text))
    assert hosts <= HOSTS
    assert not re.search(r"index-url|find-links|(?<![\w.~])/(?:tmp|root|work|opt|mnt|Users)/", text)
    assert set(re.findall(r"/home/(\w+)", text)) <= {"ada"}
